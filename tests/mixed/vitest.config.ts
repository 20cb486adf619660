import { defineConfig } from 'vitest/config';

/** A run of its own, `npm run test:mixed`: it needs the git history. */
export default defineConfig({
  test: {
    name: 'mixed',
    include: ['tests/mixed/*.test.ts'],
    globalSetup: 'tests/mixed/build.ts',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['tree'],
  },
});
