import { copyFileSync, mkdirSync } from 'node:fs';
import { buildWorkerAt, sourcesAt, VERSION_1_0 } from '../../tests/support/build-worker-at';
import { bundleAsDeployed, bundleForNode, bundleForWorkerd } from '../../tests/support/bundle';

const WORKERS = [
  'reference/bare',
  'reference/shared-key',
  'reference/validated',
  'reference/workerd',
  'full-replica-worker',
  'full-room-worker',
];

/** Builds the Worker as it is deployed, the references, and the Workers that fill a replica or a room. */
export async function buildWorkers(): Promise<void> {
  bundleAsDeployed();
  for (const name of WORKERS)
    await bundleForWorkerd(`tools/bench/${name}.ts`, `dist/bench/${name}.js`, { minify: true });
}

export const WORKER_OF_1_0 = 'dist/bench/version-1.0/worker.js';

/** Builds the Worker of version 1.0 from the git history as a deploy does, with the packages of this version. */
export function buildWorkerOf1(): void {
  mkdirSync('dist/bench/version-1.0', { recursive: true });
  copyFileSync(buildWorkerAt(VERSION_1_0), WORKER_OF_1_0);
}

export const APP = 'dist/bench/app.js';
export const APP_OF_1_0 = 'dist/bench/version-1.0/app.js';
export const FIRST_SYNC_PROCESS = 'dist/bench/first-sync-process.js';

/** Builds the app and the app of version 1.0 for Node, and the process that measures a first sync. */
export async function buildForNode(): Promise<void> {
  await bundleForNode('src/app.ts', APP);
  await bundleForNode(`${sourcesAt(VERSION_1_0)}/app.ts`, APP_OF_1_0);
  await bundleForNode('tools/bench/first-sync-process.ts', FIRST_SYNC_PROCESS);
}
