import { defineConfig } from 'vitest/config';

/** A run of its own, `npm run test:mixed`: it needs the git history. */
export default defineConfig({
  test: {
    name: 'mixed',
    include: ['tests/mixed/*.test.ts'],
    globalSetup: 'tests/mixed/build.ts',
    // The longest test sends 4,000 requests, which takes 7 s on an idle machine.
    testTimeout: 60_000,
    hookTimeout: 20_000,
    reporters: ['tree'],
  },
});
