import { bundleAsDeployed, bundleForWorkerd } from '../../tests/support/bundle';

const WORKERS = [
  'reference/bare',
  'reference/shared-key',
  'reference/validated',
  'full-replica-worker',
  'full-room-worker',
];

/** Builds the Worker as it is deployed, and the Workers that a bench compares it with or fills it by. */
export async function buildWorkers(): Promise<void> {
  bundleAsDeployed();
  for (const name of WORKERS)
    await bundleForWorkerd(`tools/bench/${name}.ts`, `dist/bench/${name}.js`, { minify: true });
}
