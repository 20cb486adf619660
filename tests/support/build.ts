import { bundleAsDeployed, bundleForWorkerd } from './bundle';

declare global {
  /** Set by the first project that needs the bundles. The others wait for the same build. */
  var bundles: Promise<void> | undefined;
}

/** Builds, once before the tests, the Worker with its site as it is deployed, and the two Workers that tests can look into. */
export default async function build(): Promise<void> {
  globalThis.bundles ??= buildAll();
  await globalThis.bundles;
}

async function buildAll(): Promise<void> {
  bundleAsDeployed();
  await bundleForWorkerd('tests/node/isolates/worker.ts', 'dist/tests/isolates.js');
  await bundleForWorkerd('tests/support/counting-worker.ts', 'dist/tests/counting-worker.js');
}
