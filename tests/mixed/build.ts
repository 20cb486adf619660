import { resolve } from 'node:path';
import { sourcesAt, VERSION_1_0 } from '../support/build-worker-at';
import { bundleForWorkerd } from '../support/bundle';

/** Builds, once before the tests, the Worker that runs version 1.0 or the version of this working tree. */
export default async function build(): Promise<void> {
  const alias = { 'version-1.0': resolve(sourcesAt(VERSION_1_0)) };
  await bundleForWorkerd('tests/mixed/worker.ts', 'dist/tests/mixed.js', { alias });
}
