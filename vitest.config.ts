import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { TakeTurns } from './tests/support/take-turns';

// Most test files have a process of their own. Without this cache each compiles the same large packages again.
process.env['NODE_COMPILE_CACHE'] ??= 'node_modules/.cache/compile';

/** One project for each folder: where its tests run, and what is built before them. */
export default defineConfig({
  test: {
    // Most tests wait for timers and other processes. With three files at a time on two cores the run takes longer.
    maxWorkers: 6,
    sequence: { sequencer: TakeTurns },
    projects: [
      {
        // These tests run in workerd, with its KV and its Durable Objects.
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        test: {
          name: 'workerd',
          include: ['tests/workerd/**/*.test.ts'],
          // All files share one isolate and its KV. A test that uses KV empties it first.
          isolate: false,
          // This project runs after the others, with one workerd for each of two cores.
          // A third workerd takes 20 s of CPU time to start.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          restoreMocks: true,
          testTimeout: 20_000,
          setupFiles: 'tests/support/check-conformance.ts',
        },
      },
      {
        // These tests run the browser client, its hook and its element in Node, on a fake page.
        test: { name: 'client', include: ['tests/client/**/*.test.{ts,tsx}'] },
      },
      {
        // These tests run in Node. They start Workers and send requests to them.
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
        // These tests run in Node. They open pages in Chromium.
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
