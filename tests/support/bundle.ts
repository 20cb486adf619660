import { execFileSync } from 'node:child_process';
import { type BuildOptions, build } from 'esbuild';

const BUNDLE = { bundle: true, format: 'esm', logLevel: 'error' } as const;

/** Bundles a module of this project for Node. The bundle imports its packages. */
export async function bundleForNode(entry: string, outfile: string, options: BuildOptions = {}) {
  await build({
    ...BUNDLE,
    entryPoints: [entry],
    outfile,
    platform: 'node',
    packages: 'external',
    ...options,
  });
}

/** Bundles a Worker of this project for workerd. It does not check the configuration, as `wrangler deploy --dry-run` does. */
export async function bundleForWorkerd(entry: string, outfile: string, options: BuildOptions = {}) {
  await build({
    ...BUNDLE,
    entryPoints: [entry],
    outfile,
    conditions: ['workerd'],
    external: ['cloudflare:*'],
    ...options,
  });
}

/** Bundles an entry into a folder exactly as a deploy does. By default it bundles the Worker into `dist/index.js`. */
export function bundleAsDeployed(entry = 'src/index.ts', outdir = 'dist'): void {
  const wrangler = 'node_modules/wrangler/bin/wrangler.js';
  execFileSync(process.execPath, [wrangler, 'deploy', entry, '--dry-run', '--outdir', outdir], {
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
