import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WRANGLER = fileURLToPath(new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url));

/** Builds, as a dry-run deploy does, the Worker and those that tests can look into. */
export default function build(): void {
  bundle('src/index.ts', 'dist');
  bundle('tests/isolates/worker.ts', 'dist/isolates');
  bundle('tests/live/worker.ts', 'dist/live');
}

function bundle(entry: string, outdir: string): void {
  execFileSync(process.execPath, [WRANGLER, 'deploy', entry, '--dry-run', '--outdir', outdir], {
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
