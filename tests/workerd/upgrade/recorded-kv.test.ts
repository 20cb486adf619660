import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { post } from '../../support/http';
import { createApp } from '../../support/observed-app';
import { RECORDED_AT, type RecordedKv, type Step } from '../../support/recording';
import leave from './1.0-kv-a-leave.json';
import writerAlone from './1.0-kv-a-resting-writer.json';
import moods from './1.0-kv-several-moods.json';

/** A session counts for a TTL of 30 s and a grace of 40 s. It counts 80 s longer if its writer was alone. */
const CASES = [
  { name: 'several moods', recorded: moods as unknown as RecordedKv, countsMs: 70_000 },
  { name: 'a leave', recorded: leave as unknown as RecordedKv, countsMs: 70_000 },
  { name: 'a writer that was alone', recorded: writerAlone as unknown as RecordedKv, countsMs: 150_000 },
] as const;

/** The lease of this version is 10 s longer. Otherwise it ends when one heartbeat is lost. */
const LONGER_LEASE_MS = 10_000;

let runtime: FakeRuntime;
beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime(RECORDED_AT);
});

/** Starts an isolate in a location. Its clock is `aheadMs` ahead. */
function startIsolate(colo: string, kv: KVNamespace = env.PRESENCE_KV, aheadMs = 0) {
  const { now, random, sleep } = runtime;
  const app = createApp({ now: () => now() + aheadMs, random, sleep });
  const bindings = { PRESENCE_KV: kv, NEW_SESSION_LIMIT: 'off' };
  const fetch = (path: string, init?: RequestInit) => {
    const request = new Request(`http://localhost${path}`, init);
    Object.defineProperty(request, 'cf', { value: { colo } });
    return app.fetch(request, bindings);
  };
  const getJson = async (path: string) =>
    (await (await fetch(path)).json()) as { moods: object; count: number; lastSyncAgeMs: number };
  return {
    fetch,
    count: async () => (await getJson('/api/presence')).count,
    moods: async () => (await getJson('/api/presence')).moods,
    /** Reads the state, and waits until the sync that is due has ended. */
    async sync() {
      await getJson('/api/presence');
      for (let turn = 0; (await getJson('/health')).lastSyncAgeMs !== 0; turn += 1)
        if (turn === SYNC_TURNS_MAX) throw new Error('The isolate does not sync.');
    },
  };
}

const SYNC_TURNS_MAX = 200;

async function store({ key, value, options: { metadata } }: RecordedKv): Promise<void> {
  await env.PRESENCE_KV.put(key, JSON.stringify(value), { metadata });
  await runtime.advance(metadata.at - runtime.now());
}

describe.each(CASES)('values of version 1.0', ({ name, recorded, countsMs }) => {
  const { at, until, moods: present } = recorded.options.metadata;
  const presentCount = Object.values(present).reduce((sum, count) => sum + count, 0);
  const lastSeen = Math.max(
    ...Object.values(recorded.value).flatMap((record) => (record.mood === null ? [] : [record.lastSeen])),
  );

  it(`a fresh isolate counts the sessions that 1.0 stored, and no session that has left: ${name}`, async () => {
    await store(recorded);
    expect(await startIsolate('AMS').moods()).toEqual(present);
  });

  it(`the sessions that 1.0 stored count for ${countsMs / 1_000} s after their last heartbeat: ${name}`, async () => {
    await store(recorded);
    const here = startIsolate('AMS');
    await here.sync();
    await runtime.advance(lastSeen + countsMs - 1 - runtime.now());
    expect(await here.count()).toBe(presentCount);
    await runtime.advance(1);
    expect(await here.count()).toBe(0);
  });

  it(`an isolate in another location counts the summary of 1.0 until its lease ends: ${name}`, async () => {
    await store(recorded);
    const elsewhere = startIsolate('FRA');
    expect(await elsewhere.moods()).toEqual(present);
    await runtime.advance(until - 1 - runtime.now());
    expect(await elsewhere.count()).toBe(presentCount);
    await runtime.advance(1);
    expect(await elsewhere.count()).toBe(0);
  });

  it(`an isolate of this version stores the same as 1.0 for the same requests, with a longer lease: ${name}`, async () => {
    const expected = {
      key: recorded.key,
      value: recorded.value,
      options: {
        expirationTtl: recorded.options.expirationTtl + LONGER_LEASE_MS / 1_000,
        metadata: { at, until: until + LONGER_LEASE_MS, moods: present },
      },
    };
    expect(rounded(await lastPut(recorded.key, recorded.steps))).toEqual(rounded(expected));
  });
});

/** Keys that 1.0 neither writes nor reads. */
const NEWER_KEYS = ['rests', 'marksRest'];

/** Returns the same without newer keys, and with all times rounded down to 10 ms. */
const rounded = (stored: object): unknown =>
  JSON.parse(JSON.stringify(stored), (key, value) => {
    if (NEWER_KEYS.includes(key)) return undefined;
    return value > RECORDED_AT ? value - (value % 10) : value;
  });

/** Runs the steps with isolates of this version. Returns their last write of the key `location`. */
async function lastPut(location: string, steps: readonly Step[]): Promise<object> {
  const puts: object[] = [];
  const kv = new Proxy(env.PRESENCE_KV, {
    get: (target, name: keyof KVNamespace) => {
      if (name !== 'put') return target[name].bind(target);
      return (key: string, value: string, options: KVNamespacePutOptions) => {
        if (key === location) puts.push({ key, value: JSON.parse(value), options });
        return target.put(key, value, options);
      };
    },
  });
  // The two clocks differ. Otherwise an isolate takes a write of the same millisecond for its own write.
  const isolates = [startIsolate('AMS', kv), startIsolate('AMS', kv, 1)];
  for (const step of steps) {
    const isolate = 'isolate' in step ? isolates[step.isolate] : undefined;
    if (step.do === 'pass') await runtime.advance(step.ms);
    else if (step.do === 'sync') await isolate?.sync();
    else if (isolate && 'sessionId' in step) {
      const { do: what, sessionId } = step;
      const body = { sessionId, ...('mood' in step && { mood: step.mood }) };
      expect((await post(isolate.fetch, `/api/${what}`, body)).status).toBe(200);
    }
  }
  return puts.at(-1) ?? {};
}
