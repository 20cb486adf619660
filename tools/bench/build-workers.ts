import { copyFileSync, mkdirSync } from 'node:fs';
import { buildWorkerAt, sourcesAt, VERSION_1_0 } from '../../tests/support/build-worker-at';
import { bundleAsDeployed, bundleForNode, bundleForWorkerd } from '../../tests/support/bundle';

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

/** The Worker of version 1.0 as it was deployed, and its app for Node. */
export const WORKER_OF_1_0 = 'dist/bench/version-1.0/worker.js';
export const APP_OF_1_0 = 'dist/bench/version-1.0/app.js';

/** Builds version 1.0 from the git history, with the packages of today. */
export async function buildVersion1(): Promise<void> {
  mkdirSync('dist/bench/version-1.0', { recursive: true });
  copyFileSync(buildWorkerAt(VERSION_1_0), WORKER_OF_1_0);
  await bundleForNode(`${sourcesAt(VERSION_1_0)}/app.ts`, APP_OF_1_0);
}
