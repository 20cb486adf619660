import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../src/limits';
import { KvHub } from '../../src/presence/kv-hub';
import { LocationSummary } from '../../src/presence/location-summaries';
import { NOBODY } from '../../src/presence/session';
import { kvTiming } from '../../src/presence/timing';
import { FakeWorld, START } from '../fake-world';
import { Replica } from '../replica';
import { sessionId } from '../session-id';
import { TroubledKv } from './troubled-kv';

const TIMING = kvTiming(30_000, 10_000);
const KEY = 'presence:sessions:ams';
const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let world: FakeWorld;
let kv: TroubledKv;

beforeEach(async () => {
  await reset();
  world = new FakeWorld();
  kv = new TroubledKv(env.PRESENCE_KV);
});

const reports: string[] = [];
beforeEach(() => void reports.splice(0));

function join(location: string | null = 'ams', store = kv.store): Replica {
  const report = (trouble: string) => void reports.push(trouble);
  const options = { kv: store, location: location ?? undefined, timing: TIMING, world, report };
  return new Replica(new KvHub(options), TIMING, world);
}

const stored = (key = KEY) => env.PRESENCE_KV.getWithMetadata(key, 'json');

/** Moves the clock second by second, with time for the real KV between, until the answer is there. */
async function afterWaiting(answer: Promise<unknown>): Promise<void> {
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  while (!answered) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await world.advance(1_000);
  }
}

/** An interval passes and the replica syncs. */
async function sync(replica: Replica): Promise<void> {
  await world.advance(TIMING.syncIntervalMs);
  await replica.presence();
}

describe('the stored value', () => {
  it('is the documented map under the key of the location, with its summary as metadata', async () => {
    const replica = join('AMS');
    await replica.heartbeat(ANNA, 'gratitude');
    await replica.heartbeat(BEN, 'release');
    await replica.leave(BEN);
    await join().heartbeat(CARL, 'connection');
    await sync(replica);
    await sync(replica);
    expect(await stored()).toEqual({
      value: {
        [ANNA]: { mood: 'gratitude', lastSeen: START },
        [BEN]: { mood: null, lastSeen: START + 1 },
        [CARL]: { mood: 'connection', lastSeen: START },
      },
      metadata: {
        at: START + 20_000,
        until: START + 20_000 + TIMING.leaseMs,
        moods: { ...NOBODY, gratitude: 1, connection: 1 },
      },
      cacheStatus: null,
    });
  });

  it('stands under the bare key where no location is known', async () => {
    await join(null).heartbeat(ANNA);
    expect((await stored('presence:sessions')).value).toHaveProperty(ANNA);
  });

  it('is cleaned up by KV no earlier than the lease and than TTL and grace', async () => {
    expect(TIMING).toMatchObject({ leaseMs: 210_000, restMs: 80_000, expirationTtlSeconds: 290 });
    expect(kvTiming(600_000, 60_000)).toMatchObject({
      leaseMs: 500_000,
      restMs: 0,
      expirationTtlSeconds: 840,
    });
    await join().heartbeat(ANNA);
    const [key] = (await env.PRESENCE_KV.list()).keys;
    expect((key?.expiration ?? 0) - Date.now() / 1000).toBeGreaterThan(280);
  });

  it('no longer holds who is older than TTL and grace', async () => {
    const replica = join();
    await replica.heartbeat(ANNA);
    await world.advance(TIMING.refreshMs + TIMING.restMs);
    await replica.heartbeat(BEN);
    expect(Object.keys((await stored()).value as object)).toEqual([BEN]);
  });

  it('is never written by a replica that only reads, nor for a leave that nobody knew', async () => {
    const reader = join();
    await join().heartbeat(ANNA);
    kv.operations.put = 0;
    await sync(reader);
    expect(await reader.count()).toBe(1);
    for (let round = 0; round < 5; round += 1) {
      await reader.leave(BEN);
      await sync(reader);
    }
    expect(kv.operations).toMatchObject({ get: 7, put: 0 });
  });
});

describe('a write', () => {
  it('is not made where nobody is', async () => {
    await join().presence();
    expect(kv.operations).toMatchObject({ get: 1, put: 0 });
  });

  it('is made by a fresh replica that holds somebody, though others wrote the same of him', async () => {
    await join().heartbeat(ANNA);
    await world.advance(10_000);
    await join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({ [ANNA]: { mood: 'presence', lastSeen: START + 10_000 } });
  });

  it('leaves out who is older than TTL and grace, and nobody who is younger', async () => {
    const record = (lastSeen: number) => ({ mood: 'presence', lastSeen });
    const keptFrom = START - TIMING.keepMs;
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [ANNA]: record(keptFrom), [BEN]: record(keptFrom + 1) }));
    await join().heartbeat(CARL);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([BEN, CARL]);
  });

  it('that fails shows as degraded, and one that is refused does not', async () => {
    const replica = join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(replica.store.health().status).toBe('ok');
    kv.trouble.put = 'throws';
    await sync(replica);
    expect(replica.store.health().status).toBe('degraded');
  });

  const restsAfter = async (replica: Replica) => {
    const { metadata } = await stored();
    const { at, until } = LocationSummary.parse(metadata);
    expect(at).toBe(world.now());
    await replica.idle();
    return until - at > TIMING.leaseMs;
  };

  it.each([
    [20, true],
    [21, false],
  ])(
    'says of %d people who are alone in the world whether their replica rests: %j',
    async (people, rests) => {
      const replica = join();
      await replica.presence();
      for (let n = 1; n <= people; n += 1) await replica.heartbeat(sessionId(n));
      await sync(replica);
      expect(await restsAfter(replica)).toBe(rests);
    },
  );

  it('says of no rest where KV shows nobody whether others rest', async () => {
    const { get, put, list } = kv.store;
    const replica = join('ams', { get, put, list } as typeof kv.store);
    await replica.heartbeat(ANNA);
    expect(await restsAfter(replica)).toBe(false);
  });

  it('is never later than the one before it has said', async () => {
    const [here, there] = [join(), join()];
    await there.heartbeat(BEN);
    await here.heartbeat(ANNA);
    let last = LocationSummary.parse((await stored()).metadata);
    let rested = 0;
    while (world.now() < START + 300_000) {
      await sync(here);
      await here.heartbeat(ANNA);
      const { metadata } = await stored();
      const next = LocationSummary.parse(metadata);
      const restMs = last.until - last.at - TIMING.leaseMs;
      expect(world.now() - last.at).toBeLessThanOrEqual(TIMING.refreshMs + restMs);
      if (next.at > last.at) rested += restMs;
      last = next;
    }
    expect(rested).toBeGreaterThan(0);
  });

  it.each([
    ['an older one that promised none', { at: START - 1, until: START - 1 + TIMING.leaseMs }],
    [
      'one of somebody else, who wrote since and promised one',
      { at: START + 1, until: START + 1 + TIMING.leaseMs + TIMING.restMs },
    ],
    ['none at all', undefined],
  ])('is made in time if the summary that says of our rest is not there, but %s', async (_what, summary) => {
    const here = join();
    await here.heartbeat(ANNA);
    const value = (await env.PRESENCE_KV.get(KEY)) ?? '';
    const metadata = summary && { ...summary, moods: { ...NOBODY, presence: 1 } };
    await env.PRESENCE_KV.put(KEY, value, { metadata });
    kv.operations.put = 0;
    await sync(here);
    await sync(here);
    expect(kv.operations.put).toBe(1);
  });
});

describe('other locations', () => {
  it('are counted by their summaries, until those are older than the lease', async () => {
    await join('fra').heartbeat(ANNA, 'release');
    const here = join();
    expect((await here.heartbeat(BEN, 'gratitude')).moods).toEqual({ ...NOBODY, gratitude: 1, release: 1 });
    await world.advance(TIMING.leaseMs + TIMING.restMs - 1);
    kv.trouble.list = 'throws';
    expect(await here.count()).toBe(1);
    await world.advance(1);
    expect(await here.count()).toBe(0);
  });

  it('are in the first answer, also when their list takes longer than the rest of the sync', async () => {
    await join('fra').heartbeat(ANNA);
    kv.trouble.list = 'lags';
    expect((await join().heartbeat(BEN)).count).toBe(2);
  });

  it('are listed again at the next sync when the list failed', async () => {
    const here = join();
    kv.trouble.list = 'throws';
    await here.heartbeat(ANNA);
    expect(await here.count()).toBe(1);
    expect(reports).toEqual(['the other locations could not be listed']);
    delete kv.trouble.list;
    await join('fra').heartbeat(BEN);
    await sync(here);
    expect(await here.count()).toBe(2);
  });

  it('that are foreign keys, old ones without a summary, or summaries from the future, do no harm', async () => {
    const junk = [
      { at: START, moods: { gratitude: -1, presence: 0, release: 0, connection: 0 } },
      { at: START, moods: { gratitude: 1 } },
      { at: 'now', moods: NOBODY },
      'text',
    ];
    await env.PRESENCE_KV.put(
      'presence:sessions',
      JSON.stringify({ [ANNA]: { mood: 'presence', lastSeen: START } }),
    );
    for (const [n, metadata] of junk.entries())
      await env.PRESENCE_KV.put(`presence:sessions:x${n}`, '{}', { metadata });
    await env.PRESENCE_KV.put('presence:sessions:fra', '{}', {
      metadata: { at: 9e12, moods: { ...NOBODY, release: 2 } },
    });
    await env.PRESENCE_KV.put('another-app:fra', '{}', {
      metadata: { at: START, until: START + TIMING.leaseMs, moods: { ...NOBODY, release: 2 } },
    });
    const here = join();
    expect((await here.heartbeat(BEN)).moods).toEqual({ ...NOBODY, presence: 1 });
  });

  it('that cannot be listed in time keep nobody of the own location waiting', async () => {
    const [here, there] = [join(), join()];
    kv.trouble.list = 'hangs';
    await afterWaiting(Promise.all([here.heartbeat(ANNA), there.heartbeat(BEN)]));
    await world.advance(TIMING.syncIntervalMs);
    await afterWaiting(here.presence());
    expect(await here.count()).toBe(2);
    expect(here.store.health()).toMatchObject({ status: 'ok' });
  });

  it('are found behind a thousand keys that are not theirs', async () => {
    const puts = Array.from({ length: 1_001 }, (_, n) => env.PRESENCE_KV.put(`presence:sessions:a${n}`, ''));
    await Promise.all(puts);
    await join('fra').heartbeat(ANNA);
    expect((await join().heartbeat(BEN)).count).toBe(2);
  });
});

describe('peers', () => {
  it('expire each in its time, whatever order they are stored in', async () => {
    const record = (lastSeen: number) => ({ mood: 'presence', lastSeen });
    const value = { [ANNA]: record(START), [BEN]: record(START - 20_000) };
    await env.PRESENCE_KV.put(KEY, JSON.stringify(value));
    const replica = join();
    expect(await replica.count()).toBe(2);
    kv.all = 'throws';
    await world.advance(TIMING.keepMs - 20_000);
    expect(await replica.count()).toBe(1);
    await world.advance(20_000);
    expect(await replica.count()).toBe(0);
  });

  it('of a writer that rests, since it was alone in the world, count until it will have spoken again', async () => {
    const [here, reader] = [join(), join()];
    await here.heartbeat(ANNA);
    kv.operations.put = 0;
    for (let waitedMs = 20_000; waitedMs < TIMING.refreshMs + TIMING.restMs; waitedMs += 20_000) {
      await sync(here);
      await here.heartbeat(ANNA);
      await sync(reader);
      expect(await reader.count()).toBe(1);
    }
    expect(kv.operations.put).toBe(0);
    await sync(here);
    await here.heartbeat(ANNA);
    await sync(here);
    expect(kv.operations.put).toBe(1);
  });

  it('of a writer that rests are told of all that changed as soon as somebody comes to another isolate', async () => {
    const [here, there] = [join(), join()];
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await sync(here);
    expect(await there.count()).toBe(1);
    await there.heartbeat(CARL);
    await sync(there);
    await here.heartbeat(ANNA);
    await here.heartbeat(BEN);
    await sync(here);
    expect(Object.keys((await stored()).value as object).sort()).toEqual([ANNA, BEN, CARL]);
  });

  it.each([
    ['at the first read', 0],
    ['at the second', 1],
  ])(
    'of a writer that says that it rests count for longer, whatever else is read: %s',
    async (_name, nth) => {
      const value = JSON.stringify({ [ANNA]: { mood: 'presence', lastSeen: START } });
      const rests = {
        at: START,
        until: START + TIMING.leaseMs + TIMING.restMs,
        moods: { ...NOBODY, presence: 1 },
      };
      const reader = join();
      for (const round of [0, 1]) {
        await env.PRESENCE_KV.put(KEY, value, round === nth ? { metadata: rests } : {});
        await sync(reader);
      }
      await env.PRESENCE_KV.delete(KEY);
      await world.advance(START + TIMING.keepMs + TIMING.restMs - 1 - world.now());
      expect(await reader.count()).toBe(1);
      await world.advance(1);
      expect(await reader.count()).toBe(0);
    },
  );

  it('that left or expired here do not come back from what this replica wrote before it rested', async () => {
    const replica = join();
    await replica.heartbeat(ANNA);
    await replica.heartbeat(BEN);
    await world.advance(5_000);
    await replica.leave(ANNA);
    while (world.now() < START + 200_000) {
      await sync(replica);
      expect(await replica.count()).toBe(world.now() < START + TIMING.ttlMs ? 1 : 0);
    }
  });
});

describe('a read that is older than the one before', () => {
  it('loses nobody: neither for this replica, nor in what it writes', async () => {
    const [here, there] = [join(), join()];
    const none = (await env.PRESENCE_KV.get(KEY)) ?? '{}';
    await there.heartbeat(BEN, 'release');
    await here.heartbeat(ANNA);
    expect(await here.count()).toBe(2);
    // Visibility at home is usual, and not guaranteed.
    await env.PRESENCE_KV.put(KEY, none);
    await sync(here);
    expect(await here.count()).toBe(2);
    expect(await join().count()).toBe(2);
  });

  it('revives nobody who has left elsewhere', async () => {
    const [here, there] = [join(), join()];
    await there.heartbeat(BEN, 'release');
    const old = (await env.PRESENCE_KV.get(KEY)) ?? '';
    await there.leave(BEN);
    await here.heartbeat(ANNA);
    await sync(there);
    await sync(here);
    expect(await here.count()).toBe(1);
    await here.heartbeat(ANNA);
    // Nor does it if the leave comes here once more, as a page may send it twice when it closes.
    await here.leave(BEN);
    await env.PRESENCE_KV.put(KEY, old);
    await sync(here);
    expect(await here.count()).toBe(1);
    expect(await join().count()).toBe(1);
  });
});

describe('a daily limit of KV', () => {
  it('on writes keeps a replica from asking for more until midnight, and not from reading', async () => {
    let writes = 0;
    const { get, list, getWithMetadata } = kv.store;
    const put = () => {
      writes += 1;
      return Promise.reject(new Error('KV put() limit exceeded for the day.'));
    };
    const replica = join('ams', { get, list, getWithMetadata, put } as typeof kv.store);
    await replica.heartbeat(ANNA);
    await join().heartbeat(BEN);
    await sync(replica);
    await sync(replica);
    expect(await replica.count()).toBe(2);
    expect(writes).toBe(1);
    await world.advance(12 * 3_600_000 + 60_000);
    await replica.heartbeat(ANNA);
    expect(writes).toBe(2);
  });
});

describe('KV in trouble', () => {
  it('that takes no write still lets a replica hear of the others, and wait for it once only', async () => {
    await join().heartbeat(BEN);
    kv.trouble.put = 'throws';
    const replica = join();
    await replica.heartbeat(ANNA);
    expect(replica.store.hasHeard).toBe(true);
    kv.trouble.get = 'hangs';
    await world.advance(TIMING.syncIntervalMs);
    expect((await replica.store.presence(() => undefined)).count).toBe(2);
  });

  it.each(['throws', 'hangs', 'refuses'] as const)(
    'that %s at everything fails no heartbeat, read or leave',
    async (trouble) => {
      const replica = join();
      kv.all = trouble;
      const { store } = replica;
      const lost = () => undefined;
      const first = store.heartbeat(ANNA, 'presence', lost);
      await world.advance(1_000);
      expect((await first).count).toBe(1);
      for (let second = 0; second < 120; second += 1) {
        const answers = [
          store.heartbeat(ANNA, 'presence', lost),
          store.presence(lost),
          store.leave(BEN, lost),
        ] as const;
        await world.advance(1_000);
        expect((await answers[0]).count).toBe(1);
        expect((await answers[1]).count).toBe(1);
        await answers[2];
      }
    },
  );

  it.each(['refuses', 'throws'] as const)('that %s writes still tells of the others', async (trouble) => {
    await join().heartbeat(ANNA);
    const replica = join();
    kv.trouble.put = trouble;
    expect((await replica.heartbeat(BEN)).count).toBe(2);
  });

  it('that refused a write gets it, merged anew, within three seconds', async () => {
    const replica = join();
    kv.trouble.put = 'refuses';
    await replica.heartbeat(ANNA);
    expect(kv.lastGetOptions).toEqual({ cacheTtl: 30 });
    // A refused write is everyday business between busy isolates: nothing to report, and no backing off.
    expect(replica.reports).toEqual([]);
    expect(replica.store.health().status).toBe('ok');
    delete kv.trouble.put;
    await world.advance(3_000);
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
      const replica = join();
      expect((await replica.heartbeat(ANNA)).count).toBe(1);
      expect(reports).toEqual([expect.stringMatching(/^\d+ stored entries could not be read/)]);
      expect((await stored()).value).toEqual({ [ANNA]: { mood: 'presence', lastSeen: START } });
    },
  );

  it('that holds times of the future believes as much of them as a clock can be ahead', async () => {
    await env.PRESENCE_KV.put(KEY, JSON.stringify({ [BEN]: { mood: 'release', lastSeen: START * 2 } }));
    const replica = join();
    expect((await replica.heartbeat(ANNA)).count).toBe(2);
    expect((await stored()).value).toMatchObject({ [BEN]: { lastSeen: START + CLOCK_SKEW_MAX_MS } });
    await world.advance(CLOCK_SKEW_MAX_MS + TIMING.keepMs - 1);
    expect(await replica.count()).toBe(1);
    await world.advance(1);
    expect(await replica.count()).toBe(0);
  });

  it('that holds a good entry among bad ones keeps it, its id in lower case', async () => {
    const upper = 'ABCDEF00-0000-4000-8000-000000000000';
    await env.PRESENCE_KV.put(
      KEY,
      JSON.stringify({ bad: 1, [upper]: { mood: 'release', lastSeen: START, colour: 'red' } }),
    );
    await join().heartbeat(ANNA);
    expect((await stored()).value).toEqual({
      [upper.toLowerCase()]: { mood: 'release', lastSeen: START },
      [ANNA]: { mood: 'presence', lastSeen: START },
    });
  });

  it('without list counts its own location', async () => {
    const { get, put } = kv.store;
    await join('fra').heartbeat(ANNA);
    expect((await join('ams', { get, put }).heartbeat(BEN)).count).toBe(1);
  });
});
