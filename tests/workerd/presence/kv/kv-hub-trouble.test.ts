import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../../src/limits';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { TroubledKv } from '../../../support/troubled-kv';
import { KEY, KvSite, stored, TIMING } from './kv-site';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let site: KvSite;
let runtime: FakeRuntime;
let kv: TroubledKv;
beforeEach(async () => {
  site = await KvSite.open();
  ({ runtime, kv } = site);
});

describe('a daily limit of KV', () => {
  it('on writes keeps a replica from asking for more until midnight, and not from reading', async () => {
    let writes = 0;
    const { get, list, getWithMetadata } = kv.store;
    const put = () => {
      writes += 1;
      return Promise.reject(new Error('KV put() limit exceeded for the day.'));
    };
    const replica = site.join('ams', { get, list, getWithMetadata, put } as typeof kv.store);
    await replica.heartbeat(ANNA);
    await site.join().heartbeat(BEN);
    await site.sync(replica);
    await site.sync(replica);
    expect(await replica.count()).toBe(2);
    expect(writes).toBe(1);
    await runtime.advance(12 * 3_600_000 + 60_000);
    await replica.heartbeat(ANNA);
    expect(writes).toBe(2);
  });
});

describe('KV in trouble', () => {
  it('that takes no write still lets a replica hear of the others, and wait for it once only', async () => {
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
    'that %s at everything fails no heartbeat, read or leave',
    async (trouble) => {
      const replica = site.join();
      kv.all = trouble;
      const { store } = replica;
      const lost = () => undefined;
      const first = store.countHeartbeat(ANNA, 'presence', lost);
      await runtime.advance(1_000);
      expect((await first).count).toBe(1);
      for (let second = 0; second < 120; second += 1) {
        const answers = [
          store.countHeartbeat(ANNA, 'presence', lost),
          store.presence(lost),
          store.leave(BEN, lost),
        ] as const;
        await runtime.advance(1_000);
        expect((await answers[0]).count).toBe(1);
        expect((await answers[1]).count).toBe(1);
        await answers[2];
      }
    },
  );

  it.each(['refuses', 'throws'] as const)('that %s writes still tells of the others', async (trouble) => {
    await site.join().heartbeat(ANNA);
    const replica = site.join();
    kv.trouble.put = trouble;
    expect((await replica.heartbeat(BEN)).count).toBe(2);
  });

  it('that refused a write gets it, merged anew, within three seconds', async () => {
    const replica = site.join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(kv.lastGetOptions).toEqual({ cacheTtl: 30 });
    // A refused write is everyday business between busy isolates: nothing to report, and no backing off.
    expect(replica.reports).toEqual([]);
    expect(replica.store.health().trouble).toBeUndefined();
    delete kv.trouble.put;
    await runtime.advance(3_000);
    await replica.heartbeat(BEN);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([ANNA, BEN]);
  });

  it.each([
    ['no JSON', '{{{'],
    ['nothing', ''],
    ['a list', '[1,2,3]'],
    ['null', 'null'],
    ['a number', '42'],
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
      '10,000 junk keys',
      JSON.stringify(
        Object.fromEntries(
          Array.from({ length: 10_000 }, (_, n) => [`junk${n}`, { mood: 'presence', lastSeen: START }]),
        ),
      ),
    ],
  ])(
    'that holds %s is answered from memory, reported, and repaired at the next put',
    async (_name, value) => {
      await env.PRESENCE_KV.put(KEY, value);
      const replica = site.join();
      expect((await replica.heartbeat(ANNA)).count).toBe(1);
      expect(site.reports).toEqual([expect.stringMatching(/^\d+ stored entries could not be read/)]);
      expect((await stored()).value).toEqual({ [ANNA]: { mood: 'presence', lastSeen: START, rests: true } });
    },
  );

  it('that holds times of the future believes as much of them as a clock can be ahead', async () => {
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [BEN]: { mood: 'release', lastSeen: START * 2 } }));
    const replica = site.join();
    expect((await replica.heartbeat(ANNA)).count).toBe(2);
    expect((await stored()).value).toMatchObject({ [BEN]: { lastSeen: START + CLOCK_SKEW_MAX_MS } });
    await runtime.advance(CLOCK_SKEW_MAX_MS + TIMING.remoteTtlMs - 1);
    expect(await replica.count()).toBe(1);
    await runtime.advance(1);
    expect(await replica.count()).toBe(0);
  });

  it('that holds a good entry among bad ones keeps it, its id in lower case', async () => {
    const upper = 'ABCDEF00-0000-4000-8000-000000000000';
    await env.PRESENCE_KV.put(
      KEY,
      JSON.stringify({ bad: 1, [upper]: { mood: 'release', lastSeen: START, colour: 'red' } }),
    );
    await site.join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({
      [upper.toLowerCase()]: { mood: 'release', lastSeen: START },
      [ANNA]: { mood: 'presence', lastSeen: START },
    });
  });

  it('without list counts its own location', async () => {
    const { get, put } = kv.store;
    await site.join('fra').heartbeat(ANNA);
    expect((await site.join('ams', { get, put }).heartbeat(BEN)).count).toBe(1);
  });
});
