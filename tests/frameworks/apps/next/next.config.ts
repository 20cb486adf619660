import { resolve } from 'node:path';
import type { NextConfig } from 'next';

// The packages are two folders above. Otherwise Next.js uses the folder of the outermost lock as the root, and prints a warning.
const root = resolve('../..');

export default { turbopack: { root }, outputFileTracingRoot: root } satisfies NextConfig;
