import { readFileSync } from 'node:fs';

const [, date = ''] = /^compatibility_date = "(.*)"$/m.exec(readFileSync('wrangler.toml', 'utf8')) ?? [];

/** The date in wrangler.toml. With it, the Workers of tests run as the deployed one does. workerd refuses an empty date. */
export const COMPATIBILITY_DATE = date;
