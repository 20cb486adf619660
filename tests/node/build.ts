import { bundleAsDeployed, bundleForWorkerd } from '../support/bundle';

/** Builds, once before the tests, the Worker as it is deployed and the two that tests can look into. */
export default async function build(): Promise<void> {
  bundleAsDeployed();
  await bundleForWorkerd('tests/node/isolates/worker.ts', 'dist/tests/isolates.js');
  await bundleForWorkerd('tests/support/counting-worker.ts', 'dist/tests/counting-worker.js');
}
