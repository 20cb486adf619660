import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** The tests of what does I/O: on the real KV, a real Durable Object, its storage and its sockets. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
  test: {
    isolate: false,
    // Instrumented, and with other runs beside it, an hour of a room takes its time.
    testTimeout: 30_000,
    setupFiles: ['tools/mutation/setup.ts'],
    include: [
      'tests/workerd/presence/**/{kv-hub,room-hub,presence-store}*.test.ts',
      'tests/workerd/{contract,room,api}/*.test.ts',
      'tests/workerd/load/{room-journal,presence-room-cost}.test.ts',
    ],
    exclude: ['tests/workerd/api/embedding.test.ts'],
  },
});
