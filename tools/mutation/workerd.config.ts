import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** The tests of what runs on the real platform only: a real Durable Object, its storage and its sockets. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
  test: {
    isolate: false,
    // Instrumented, and with other runs beside it, an hour of a room takes its time.
    testTimeout: 30_000,
    include: [
      'tests/workerd/room/*.test.ts',
      'tests/workerd/load/{room-journal,presence-room-cost}.test.ts',
      'tests/workerd/api/live.test.ts',
    ],
  },
});
