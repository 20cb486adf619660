import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** These run in Node: they start Workers of their own and talk HTTP to them, or simulate a whole world. */
const NODE_TESTS = [
  'tests/isolates/**/*.test.ts',
  'tests/live/**/*.test.ts',
  'tests/bundle/**/*.test.ts',
  'tests/client/**/*.test.{ts,tsx}',
  'tests/hostile/**/*.test.ts',
  'tests/openapi/**/*.test.ts',
  'tests/readme/**/*.test.ts',
  'tests/site/**/*.test.ts',
  'tests/simulation/**/*.test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default', './tests/openapi/conformance-reporter.ts'],
    projects: [
      {
        // Everything else runs inside workerd, with its real KV.
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        // One isolate for all files: they share nothing but KV, which each test that uses it empties first.
        test: {
          name: 'workerd',
          isolate: false,
          restoreMocks: true,
          include: ['tests/**/*.test.ts'],
          // What `npm run mutate` installs has tests of its own.
          exclude: [...NODE_TESTS, '**/node_modules/**', 'tests/browser/**', 'tests/clients/**'],
          setupFiles: 'tests/openapi/hand-over.ts',
        },
      },
      {
        test: {
          name: 'node',
          include: NODE_TESTS,
          globalSetup: 'tests/build.ts',
          setupFiles: 'tests/openapi/hand-over.ts',
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          globalSetup: ['tests/browser/find-chromium.ts', 'tests/browser/run-workers.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
          // They mostly wait for something to happen.
          maxWorkers: 4,
          // When the others have done: what happens within seconds here needs the machine.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
