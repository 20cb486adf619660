import { defineConfig } from 'vitest/config';

/** A run of its own, `npm run test:clients`: it needs the packages of this folder. */
export default defineConfig({
  test: { name: 'clients', include: ['tests/clients/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
});
