import { resolve } from 'node:path';
import { createApp } from '../../src/app';
import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { Replica } from '../../src/presence/replica';
import { ZERO_COUNTS } from '../../src/presence/session';
import { kvTiming } from '../../src/presence/timing';
import { sessionId } from '../../tests/support/session-id';
import { APP_OF_1_0 } from './build-workers';
import { median } from './median';
import { type Figure, figureOf } from './noise';

const TIMING = kvTiming(30_000, 10_000);

export interface SyncCost {
  readonly sessions: number;
  /** CPU time of one sync of a location with so many sessions, half of them own sessions of this isolate (ms). */
  readonly syncMs: number;
  /** The same for `JSON.parse` and `JSON.stringify` of the stored value. */
  readonly jsonMs: number;
  /** Sync ÷ JSON, round by round. */
  readonly ratio: Figure;
  /** The same sync with version 1.0 (ms). */
  readonly version1Ms: number;
  /** The time of 1.0 ÷ the time of this version, round by round. */
  readonly speedRatio: Figure;
}

/** The compiler needs a few rounds to see what is worth its work. */
const WARM_UP_ROUNDS = 10;

/** What a sync on KV costs the CPU, with a KV that costs nothing. In Node, whose engine workerd has too. */
export async function syncCost(sessions: number, rounds: number): Promise<SyncCost> {
  const version1 = (await import(resolve(APP_OF_1_0))) as { createApp: typeof createApp };
  const [ours, theirs] = [createApp, version1.createApp].map(
    (create) => new SyncingIsolate(create, sessions),
  );
  if (ours === undefined || theirs === undefined) throw new Error('No isolates.');
  const milliseconds: { ours: number; theirs: number; json: number }[] = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const took = new Map<SyncingIsolate, number>();
    for (const isolate of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      took.set(isolate, await isolate.timeSync());
    }
    const value = ours.stored();
    const json = await cpuMilliseconds(() => JSON.stringify(JSON.parse(value)));
    const [mine, its] = [took.get(ours) ?? Number.NaN, took.get(theirs) ?? Number.NaN];
    if (round >= 0) milliseconds.push({ ours: mine, theirs: its, json });
  }
  return {
    sessions,
    syncMs: median(milliseconds.map((one) => one.ours)),
    jsonMs: median(milliseconds.map(({ json }) => json)),
    ratio: figureOf(milliseconds.map((one) => one.ours / one.json)),
    version1Ms: median(milliseconds.map((one) => one.theirs)),
    speedRatio: figureOf(milliseconds.map((one) => one.theirs / one.ours)),
  };
}

/** So long after a sync the next one is due, requests wait for it, and it writes. */
const SYNC_AFTER_MS = 20_001;
/** Sessions last for 600 s, so their heartbeats need not come before each sync. */
const HEARTBEATS_AFTER_MS = 400_000;
const VARIABLES = { SESSION_TTL_SECONDS: '600', SESSIONS_MAX: '100000', NEW_SESSION_LIMIT: 'off' };

/** One isolate of an app. Half of the sessions of its location are its own, the other half is stored by another isolate. */
class SyncingIsolate {
  readonly #app: ReturnType<typeof createApp>;
  readonly #ids: readonly string[];
  readonly #env: object;
  #now = Date.UTC(2026, 0, 1);
  #heartbeatsAt = Number.NEGATIVE_INFINITY;
  #value: string | null = null;
  #puts = 0;

  constructor(create: typeof createApp, sessions: number) {
    const sleep = () => new Promise<void>(() => undefined);
    this.#app = create({ now: () => this.#now, random: () => 0.5, sleep });
    this.#ids = Array.from({ length: sessions }, (_, n) => sessionId(n));
    const get = async () => this.#value;
    const getWithMetadata = async () => {
      // Another isolate has just written.
      const metadata = { at: this.#now - 1, until: this.#now, moods: ZERO_COUNTS };
      return { value: this.#value, metadata, cacheStatus: null };
    };
    const put = async (_key: string, written: string) => {
      this.#puts += 1;
      this.#value = flat(written);
    };
    this.#env = { ...VARIABLES, PRESENCE_KV: { get, getWithMetadata, put } };
  }

  /** The value that its next sync reads. */
  stored(): string {
    const own = this.#ids.length / 2;
    const lastSeen = (n: number) => (n < own ? this.#heartbeatsAt : this.#now) - 1_000;
    const entries = this.#ids.map((id, n) => [id, { mood: moodOf(n), lastSeen: lastSeen(n) }] as const);
    return flat(JSON.stringify(Object.fromEntries(entries)));
  }

  /** The CPU time of a read that waits for a sync (ms). */
  async timeSync(): Promise<number> {
    if (this.#now >= this.#heartbeatsAt + HEARTBEATS_AFTER_MS) await this.#sendHeartbeats();
    this.#now += SYNC_AFTER_MS;
    this.#value = this.stored();
    const puts = this.#puts;
    const ms = await cpuMilliseconds(() => this.#app.request('/api/presence', {}, this.#env));
    if (this.#puts !== puts + 1) throw new Error('The sync has not written.');
    return ms;
  }

  async #sendHeartbeats(): Promise<void> {
    this.#heartbeatsAt = this.#now;
    for (const [n, id] of this.#ids.slice(0, this.#ids.length / 2).entries()) {
      const body = JSON.stringify({ sessionId: id, mood: moodOf(n) });
      const { status } = await this.#app.request('/api/heartbeat', { method: 'POST', body }, this.#env);
      if (status !== 200) throw new Error(`A heartbeat was answered with ${status}.`);
    }
  }
}

/** CPU time of this process, which does not grow while other processes have the cores. */
async function cpuMilliseconds(work: () => unknown): Promise<number> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const moodOf = (n: number) => MOODS[n % MOODS.length] ?? DEFAULT_MOOD;

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
