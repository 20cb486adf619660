import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** The tests of the files that do I/O. They run in workerd, on its KV and its Durable Objects. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
  test: {
    isolate: false,
    // A test of an hour of a room takes long in instrumented code with other runs beside it.
    testTimeout: 30_000,
    setupFiles: ['tools/mutation/setup.ts'],
    include: [
      'tests/workerd/presence/**/{kv-hub,room-hub}*.test.ts',
      'tests/workerd/{contract,room,api}/*.test.ts',
      'tests/workerd/load/{room-journal,presence-room-cost}.test.ts',
    ],
    exclude: ['tests/workerd/api/embedding.test.ts'],
  },
});
