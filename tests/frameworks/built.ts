import { join } from 'node:path';

/** The folder for all files that a run makes. Git ignores it. It has the depth of `apps`, so relative paths hold in both. */
export const BUILT = join(import.meta.dirname, 'built');
