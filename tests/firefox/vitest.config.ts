import { defineConfig } from 'vitest/config';

/** The configuration of `npm run test:firefox`, which needs Firefox and the packages of this folder. */
export default defineConfig({
  test: {
    name: 'firefox',
    include: ['tests/firefox/*.test.ts'],
    globalSetup: ['tests/firefox/find-firefox.ts', 'tests/support/build.ts'],
    // The two files wait most of their time.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
