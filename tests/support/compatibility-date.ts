import { readFileSync } from 'node:fs';

const [, date = ''] = /^compatibility_date = "(.*)"$/m.exec(readFileSync('wrangler.toml', 'utf8')) ?? [];

/** What wrangler.toml says, so that the Workers that tests start run as the deployed one does; workerd takes no empty one. */
export const COMPATIBILITY_DATE = date;
