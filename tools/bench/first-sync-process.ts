import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { createApp } from '../../src/app';
import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { sessionId } from '../../tests/support/session-id';

// Prints the CPU time of the first sync of an app (ms): `node first-sync-process.js <app for Node> <stored sessions>`. The app serves no
// request before. With 0 sessions the key is empty.

/** V8 ends its background compilation of the import within this time. */
const QUIET_MS = 50;

const [path = '', sessions = '0'] = process.argv.slice(2);
const count = Number(sessions);
const { createApp: create } = (await import(resolve(path))) as { createApp: typeof createApp };

const now = Date.now();
const entries = Array.from({ length: count }, (_, n) => [
  sessionId(n),
  { mood: MOODS[n % MOODS.length] ?? DEFAULT_MOOD, lastSeen: now - 1_000 },
]);
const value = count === 0 ? null : JSON.stringify(Object.fromEntries(entries));
const moods = Object.fromEntries(MOODS.map((mood) => [mood, 0]));
const metadata = count === 0 ? null : { at: now - 1_000, until: now, moods };
const env = {
  SESSION_TTL_SECONDS: '600',
  PRESENCE_KV: {
    get: async () => value,
    getWithMetadata: async () => ({ value, metadata, cacheStatus: null }),
    put: async () => undefined,
  },
};
// Node loads its fetch API at the first use, in 40 ms. Otherwise that counts as work of the app.
await new Response(new Request('http://localhost/').url, { headers: new Headers() }).text();
await wait(QUIET_MS);

const app = create();
const before = process.cpuUsage();
const response = await app.request('/api/presence', {}, env);
const state = (await response.json()) as { count: number };
const { user, system } = process.cpuUsage(before);

if (state.count !== count) throw new Error(`The first answer counts ${state.count} of ${count} sessions.`);
console.log((user + system) / 1_000);
// Otherwise the process waits for the timers of the app.
process.exit(0);
