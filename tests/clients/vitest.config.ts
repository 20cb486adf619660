import { defineConfig } from 'vitest/config';

/** `npm run test:clients` runs these tests. They need the packages of this folder. */
export default defineConfig({
  test: { name: 'clients', include: ['tests/clients/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
});
