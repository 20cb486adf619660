import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { TakeTurns } from './tests/support/take-turns';

// Every test file runs in a process of its own, and most import the same large packages.
process.env['NODE_COMPILE_CACHE'] ??= 'node_modules/.cache/compile';

/** One project for each folder: where its tests run, and what stands ready before them. */
export default defineConfig({
  test: {
    // Most tests wait for something else than this machine. With three files at a time on two cores it takes longer.
    maxWorkers: 6,
    sequence: { sequencer: TakeTurns },
    projects: [
      {
        // In workerd, with its real KV and real Durable Objects.
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        test: {
          name: 'workerd',
          include: ['tests/workerd/**/*.test.ts'],
          // One isolate for all files: they share nothing but KV, which each test that uses it empties first.
          isolate: false,
          // After the other projects, one workerd for each core. A third workerd takes 20 s of CPU time to start.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          restoreMocks: true,
          testTimeout: 20_000,
          setupFiles: 'tests/support/check-conformance.ts',
        },
      },
      {
        // The browser client and its bindings in Node, on a fake page.
        test: { name: 'client', include: ['tests/client/**/*.test.{ts,tsx}'] },
      },
      {
        // In Node: they start Workers of their own and ask them over HTTP.
        test: {
          name: 'node',
          include: ['tests/node/**/*.test.ts'],
          globalSetup: 'tests/support/build.ts',
          setupFiles: 'tests/support/check-conformance.ts',
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        // In Node: they open pages in Chromium.
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          globalSetup: ['tests/support/build.ts', 'tests/browser/find-chromium.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
        },
      },
    ],
  },
});
