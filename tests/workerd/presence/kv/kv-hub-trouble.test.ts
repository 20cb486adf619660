import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS, QUOTA_RETRY_MS } from '../../../../src/limits';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { TroubledKv } from '../../../support/troubled-kv';
import { KEY, KvSite, stored, TIMING } from './kv-site';
import { NO_MAPS } from './no-maps';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

describe('a daily limit of KV', () => {
  it('a replica at the daily limit of writes tries again after an hour, and still reads', async () => {
    let writes = 0;
    const { get, list, getWithMetadata } = kv.store;
    const put = () => {
      writes += 1;
      return Promise.reject(new Error('KV put() limit exceeded for the day.'));
    };
    const replica = site.join('ams', { get, list, getWithMetadata, put });
    await replica.heartbeat(ANNA);
    await site.join().heartbeat(BEN);
    await site.sync(replica);
    await site.sync(replica);
    expect(await replica.count()).toBe(2);
    expect(writes).toBe(1);
    await runtime.advance(QUOTA_RETRY_MS - 1 - (runtime.now() - START));
    await replica.heartbeat(ANNA);
    expect(writes).toBe(1);
    await runtime.advance(TIMING.syncIntervalMs);
    await replica.heartbeat(ANNA);
    expect(writes).toBe(2);
  });
});

describe('a failing KV', () => {
  it('a replica whose writes fail counts remote sessions, and its requests wait only for its first sync', async () => {
    await site.join().heartbeat(BEN);
    kv.trouble.put = 'throws';
    const replica = site.join();
    await replica.heartbeat(ANNA);
    expect(replica.sessions.hasSynced).toBe(true);
    kv.trouble.get = 'hangs';
    await runtime.advance(TIMING.syncIntervalMs);
    expect((await replica.store.presence(() => undefined)).count).toBe(2);
  });

  it.each(['throws', 'hangs', 'refuses'] as const)(
    'no heartbeat, read or leave fails when each operation of KV %s',
    async (trouble) => {
      const replica = site.join();
      kv.all = trouble;
      const { store } = replica;
      const drop = () => undefined;
      const first = store.countHeartbeat(ANNA, 'presence', drop);
      await runtime.advance(1_000);
      expect((await first).count).toBe(1);
      for (let second = 0; second < 120; second += 1) {
        const answers = [
          store.countHeartbeat(ANNA, 'presence', drop),
          store.presence(drop),
          store.leave(BEN, drop),
        ] as const;
        await runtime.advance(1_000);
        expect((await answers[0]).count).toBe(1);
        expect((await answers[1]).count).toBe(1);
        await answers[2];
      }
    },
  );

  it.each(['refuses', 'throws'] as const)(
    'a first answer counts remote sessions when KV %s at the write',
    async (trouble) => {
      await site.join().heartbeat(ANNA);
      const replica = site.join();
      kv.trouble.put = trouble;
      expect((await replica.heartbeat(BEN)).count).toBe(2);
    },
  );

  it('a replica repeats a refused write within 3 s, with the sessions that it has by then', async () => {
    const replica = site.join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(kv.lastGetOptions).toEqual({ cacheTtl: 30 });
    // KV often refuses writes of busy isolates, so a refused write is no failure.
    expect(replica.reports).toEqual([]);
    expect(replica.store.health().trouble).toBeUndefined();
    delete kv.trouble.put;
    await runtime.advance(3_000);
    await replica.heartbeat(BEN);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([ANNA, BEN]);
  });

  it.each([
    ...NO_MAPS,
    [
      'wrong shapes',
      JSON.stringify({ [BEN]: 1, [sessionId(3)]: null, [sessionId(4)]: { mood: 'joy', lastSeen: START } }),
    ],
    [
      'wrong times',
      JSON.stringify({
        [BEN]: { mood: 'presence', lastSeen: 'now' },
        [sessionId(3)]: { mood: 'presence', lastSeen: -1 },
      }),
    ],
    ['prototypes', `{"__proto__": {"mood": "presence", "lastSeen": ${START}}, "constructor": 1}`],
    [
      '10,000 unknown keys',
      JSON.stringify(
        Object.fromEntries(
          Array.from({ length: 10_000 }, (_, n) => [`unknown${n}`, { mood: 'presence', lastSeen: START }]),
        ),
      ),
    ],
  ])(
    'a replica reports a value that holds %s, and its next write repairs the value',
    async (_name, value) => {
      await env.PRESENCE_KV.put(KEY, value);
      const replica = site.join();
      expect((await replica.heartbeat(ANNA)).count).toBe(1);
      expect(site.reports).toEqual([expect.stringMatching(/^\d+ stored entries could not be read/)]);
      expect((await stored()).value).toEqual({ [ANNA]: { mood: 'presence', lastSeen: START, rests: true } });
    },
  );

  it('a stored time of the future counts as 5 s ahead', async () => {
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [BEN]: { mood: 'release', lastSeen: START * 2 } }));
    const replica = site.join();
    expect((await replica.heartbeat(ANNA)).count).toBe(2);
    expect((await stored()).value).toMatchObject({ [BEN]: { lastSeen: START + CLOCK_SKEW_MAX_MS } });
    kv.all = 'throws';
    await runtime.advance(CLOCK_SKEW_MAX_MS + TIMING.remoteTtlMs - 1);
    expect(await replica.count()).toBe(1);
    await runtime.advance(1);
    expect(await replica.count()).toBe(0);
  });

  it('a write keeps a valid entry beside an invalid one, with its id in lower case', async () => {
    const upper = 'ABCDEF00-0000-4000-8000-000000000000';
    await env.PRESENCE_KV.put(
      KEY,
      JSON.stringify({ bad: 1, [upper]: { mood: 'release', lastSeen: START, colour: 'red' } }),
    );
    await site.join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({
      [upper.toLowerCase()]: { mood: 'release', lastSeen: START },
      [ANNA]: { mood: 'presence', lastSeen: START, rests: true },
    });
  });

  it('a replica without list counts its own location and newly opened ones', async () => {
    const { get, put } = kv.store;
    await site.join('fra').heartbeat(ANNA);
    const replica = site.join('ams', { get, put });
    expect((await replica.heartbeat(BEN)).count).toBe(2);
    expect(replica.trouble).toBeUndefined();
    expect(site.reports).toEqual([]);
  });
});
