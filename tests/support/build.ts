import { bundleAsDeployed, bundleForWorkerd } from './bundle';

declare global {
  /** The first project that needs the bundles sets it. The other projects wait for the same build. */
  var bundles: Promise<void> | undefined;
}

/** Builds the deployed Worker with its site, and two test Workers that show their state. Runs once before the tests. */
export default async function build(): Promise<void> {
  globalThis.bundles ??= buildAll();
  await globalThis.bundles;
}

async function buildAll(): Promise<void> {
  bundleAsDeployed();
  await bundleForWorkerd('tests/node/isolates/worker.ts', 'dist/tests/isolates.js');
  await bundleForWorkerd('tests/support/counting-worker.ts', 'dist/tests/counting-worker.js');
}
