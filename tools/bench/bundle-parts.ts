import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export interface BundleParts {
  /** The uploaded bundle, minified and gzipped (bytes). */
  readonly gzippedBytes: number;
  /** The part of each package before gzip (bytes), the largest first. */
  readonly minifiedBytes: Readonly<Record<string, number>>;
}

/** Returns the size of the Worker's bundle and of its parts. */
export async function bundleParts(): Promise<BundleParts> {
  const { metafile } = await build({
    entryPoints: ['src/index.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
    external: ['cloudflare:workers'],
    outfile: 'index.js',
  });
  const bytes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(metafile.outputs['index.js']?.inputs ?? {})) {
    const part = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'this project';
    bytes.set(part, (bytes.get(part) ?? 0) + bytesInOutput);
  }
  return {
    gzippedBytes: gzipSync(readFileSync('dist/index.js')).byteLength,
    minifiedBytes: Object.fromEntries([...bytes].sort(([, a], [, b]) => b - a)),
  };
}
