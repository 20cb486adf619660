import { resolve } from 'node:path';
import type { NextConfig } from 'next';

// The packages are two folders above. Otherwise Next.js takes the folder of the outermost lock for the root, and warns.
const root = resolve('../..');

export default { turbopack: { root }, outputFileTracingRoot: root } satisfies NextConfig;
