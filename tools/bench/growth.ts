import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { KvHub } from '../../src/presence/kv/kv-hub';
import { Replica } from '../../src/presence/replica';
import { formatSessions } from '../../src/presence/stored-sessions';
import { kvTiming } from '../../src/presence/timing';
import { sessionId } from '../../tests/support/session-id';
import { median } from './median';

const TIMING = kvTiming(30_000, 10_000);

export interface SyncCost {
  readonly sessions: number;
  /** CPU time of one sync of a location with so many sessions, half of them heard by this isolate (ms). */
  readonly syncMs: number;
  /** The same for `JSON.parse` and `JSON.stringify` of the stored value. */
  readonly jsonMs: number;
  /** The median of sync ÷ JSON, round by round. */
  readonly ratio: number;
}

/** What a sync on KV costs the CPU, with a KV that costs nothing. In Node, whose engine workerd has too. */
export async function syncCost(sessions: number, rounds: number): Promise<SyncCost> {
  let now = Date.UTC(2026, 0, 1);
  const runtime = { now: () => now, sleep: () => new Promise<void>(() => undefined) };
  const all = new Map(
    Array.from({ length: sessions }, (_, n) => [
      sessionId(n),
      { mood: MOODS[n % MOODS.length] ?? null, lastSeen: now - (n % 10_000) },
    ]),
  );
  let value = formatSessions(all);
  const replica = new Replica(TIMING);
  const kv = {
    get: async () => value,
    getWithMetadata: async () => ({ value, metadata: null, cacheStatus: null }),
    put: async (_key: string, written: string) => {
      value = flat(written);
    },
  };
  const hub = new KvHub({ kv: kv as never, timing: TIMING, runtime, report: () => undefined });
  const half = [...all].slice(0, sessions / 2);
  const milliseconds: { sync: number; json: number }[] = [];
  // The compiler needs a few to see what is worth its work.
  for (let round = -10; round < rounds; round += 1) {
    now += 2 * TIMING.refreshMs;
    // The other half was heard by somebody else, who has just written.
    value = flat(
      formatSessions(new Map([...all].map(([id, { mood }]) => [id, { mood, lastSeen: now - 1_000 }]))),
    );
    for (const [id, { mood }] of half) replica.heartbeat(id, mood ?? DEFAULT_MOOD, now);
    const before = value;
    globalThis.gc?.();
    const start = performance.now();
    await hub.sync(replica);
    const between = performance.now();
    JSON.stringify(JSON.parse(before));
    if (round >= 0) milliseconds.push({ sync: between - start, json: performance.now() - between });
  }
  return {
    sessions,
    syncMs: median(milliseconds.map(({ sync }) => sync)),
    jsonMs: median(milliseconds.map(({ json }) => json)),
    ratio: median(milliseconds.map(({ sync, json }) => sync / json)),
  };
}

/** Memory that a replica takes for each session whose heartbeats it hears (bytes). Needs `--expose-gc`. */
export function bytesPerSession(sessions: number): number {
  const now = Date.UTC(2026, 0, 1);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const replica = new Replica(TIMING);
  // Ids are made anew by each request, as here.
  for (let n = 0; n < sessions; n += 1) replica.heartbeat(sessionId(n), DEFAULT_MOOD, now);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / sessions;
  return replica.own.isPresent(sessionId(0)) ? bytes : Number.NaN;
}

/** Puts the parts of a string together, which V8 leaves to the first reader: KV, as it were. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}
