import { defineConfig } from 'vitest/config';

/** The configuration of `npm run test:frameworks`, which needs the packages of this folder. */
export default defineConfig({
  test: {
    name: 'frameworks',
    include: ['tests/frameworks/*.test.ts'],
    globalSetup: [
      'tests/support/build.ts',
      'tests/browser/find-chromium.ts',
      'tests/frameworks/install-client.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
