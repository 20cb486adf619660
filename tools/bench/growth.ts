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
  /** CPU time of one sync of a location with `sessions`, half of them own sessions of this isolate (ms). */
  readonly syncMs: number;
  /** CPU time of `JSON.parse` and `JSON.stringify` of the stored value (ms). */
  readonly jsonMs: number;
  /** Sync ÷ JSON, round by round. */
  readonly ratio: Figure;
  /** The same sync with version 1.0 (ms). */
  readonly version1Ms: number;
  /** The time of 1.0 ÷ the time of this version, round by round. */
  readonly speedRatio: Figure;
}

/** The compiler optimizes the code of a sync within these rounds. */
const WARM_UP_ROUNDS = 10;

/** Measures the CPU time of a sync in Node, with a KV that takes no time. Node and workerd both run V8. */
export async function syncCost(sessions: number, rounds: number): Promise<SyncCost> {
  const version1 = (await import(resolve(APP_OF_1_0))) as { createApp: typeof createApp };
  const [current, version1Isolate] = [createApp, version1.createApp].map(
    (create) => new SyncingIsolate(create, sessions),
  );
  if (current === undefined || version1Isolate === undefined) throw new Error('No isolates.');
  const milliseconds: { current: number; version1: number; json: number }[] = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const took = new Map<SyncingIsolate, number>();
    for (const isolate of round % 2 === 0 ? [current, version1Isolate] : [version1Isolate, current]) {
      took.set(isolate, await isolate.timeSync());
    }
    const value = current.stored();
    const json = await cpuMilliseconds(() => JSON.stringify(JSON.parse(value)));
    const msOf = (isolate: SyncingIsolate) => took.get(isolate) ?? Number.NaN;
    if (round >= 0) milliseconds.push({ current: msOf(current), version1: msOf(version1Isolate), json });
  }
  return {
    sessions,
    syncMs: median(milliseconds.map((one) => one.current)),
    jsonMs: median(milliseconds.map(({ json }) => json)),
    ratio: figureOf(milliseconds.map((one) => one.current / one.json)),
    version1Ms: median(milliseconds.map((one) => one.version1)),
    speedRatio: figureOf(milliseconds.map((one) => one.version1 / one.current)),
  };
}

/** This long after a sync the next one is due and writes, and requests wait for it. */
const SYNC_AFTER_MS = 20_001;
/** A session lasts 600 s, so it needs no heartbeat before each sync. */
const HEARTBEATS_AFTER_MS = 400_000;
const VARIABLES = { SESSION_TTL_SECONDS: '600', SESSIONS_MAX: '100000', NEW_SESSION_LIMIT: 'off' };

/** One isolate of an app. It serves half of the sessions of its location. Another isolate stores the other half. */
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
      // The summary is of another isolate, which wrote it 1 ms ago.
      const metadata = { at: this.#now - 1, until: this.#now, moods: ZERO_COUNTS };
      return { value: this.#value, metadata, cacheStatus: null };
    };
    const put = async (_key: string, written: string) => {
      this.#puts += 1;
      this.#value = flat(written);
    };
    this.#env = { ...VARIABLES, PRESENCE_KV: { get, getWithMetadata, put } };
  }

  /** Returns the value that the next sync reads. */
  stored(): string {
    const own = this.#ids.length / 2;
    const lastSeen = (n: number) => (n < own ? this.#heartbeatsAt : this.#now) - 1_000;
    const entries = this.#ids.map((id, n) => [id, { mood: moodOf(n), lastSeen: lastSeen(n) }] as const);
    return flat(JSON.stringify(Object.fromEntries(entries)));
  }

  /** Returns the CPU time of a `GET /api/presence` that waits for a sync (ms). */
  async timeSync(): Promise<number> {
    if (this.#now >= this.#heartbeatsAt + HEARTBEATS_AFTER_MS) await this.#sendHeartbeats();
    this.#now += SYNC_AFTER_MS;
    this.#value = this.stored();
    const puts = this.#puts;
    const ms = await cpuMilliseconds(() => this.#app.request('/api/presence', {}, this.#env));
    if (this.#puts !== puts + 1) throw new Error('The sync wrote nothing.');
    return ms;
  }

  async #sendHeartbeats(): Promise<void> {
    this.#heartbeatsAt = this.#now;
    for (const [n, id] of this.#ids.slice(0, this.#ids.length / 2).entries()) {
      const body = JSON.stringify({ sessionId: id, mood: moodOf(n) });
      const { status } = await this.#app.request('/api/heartbeat', { method: 'POST', body }, this.#env);
      if (status !== 200) throw new Error(`A heartbeat got the status ${status}.`);
    }
  }
}

/** Returns the CPU time of this process for the work. It does not count the time of other processes. */
async function cpuMilliseconds(work: () => unknown): Promise<number> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const moodOf = (n: number) => MOODS[n % MOODS.length] ?? DEFAULT_MOOD;

/** Returns the memory of a replica for each own session (bytes). Needs `--expose-gc`. */
export function bytesPerSession(sessions: number): number {
  const now = Date.UTC(2026, 0, 1);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const replica = new Replica(TIMING);
  // Each request has a new string for its id, as here.
  for (let n = 0; n < sessions; n += 1) replica.heartbeat(sessionId(n), DEFAULT_MOOD, now);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / sessions;
  return replica.own.isPresent(sessionId(0)) ? bytes : Number.NaN;
}

/** V8 joins the parts of a string at its first use. Otherwise that time counts as time of the sync, and not of KV. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}
