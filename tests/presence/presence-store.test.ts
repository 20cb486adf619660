import { beforeEach, describe, expect, it } from 'vitest';
import { SYNC_ABANDON_MS, SYNC_PLAN_INTERVAL_MAX_MS, SYNC_WAIT_MAX_MS } from '../../src/limits';
import type { Hub, SyncOutcome } from '../../src/presence/hub';
import { PresenceStore } from '../../src/presence/presence-store';
import { type MoodCounts, NOBODY, type SessionRecord } from '../../src/presence/session';
import type { SessionTable } from '../../src/presence/session-table';
import { kvTiming, roomTiming, type Timing } from '../../src/presence/timing';
import type { World } from '../../src/presence/world';
import { FakeWorld, START, settle } from '../fake-world';
import { sessionId } from '../session-id';

const TIMING = kvTiming(30_000, 10_000);
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

/** A hub that answers when and how the test says. */
class ScriptedHub implements Hub {
  readonly kind = 'kv';
  hasHeard = false;
  syncs = 0;
  others: MoodCounts = NOBODY;
  readonly known = new Map<string, SessionRecord>();
  readonly claims: string[] = [];
  /** What the next sync does. */
  next: (own: SessionTable) => Promise<SyncOutcome> = () => Promise.resolve('done');

  async sync(own: SessionTable): Promise<SyncOutcome> {
    this.syncs += 1;
    const outcome = await this.next(own);
    this.hasHeard = true;
    return outcome;
  }

  counts(): MoodCounts {
    return this.others;
  }

  knows(id: string): boolean {
    return this.known.has(id);
  }

  claim(id: string): SessionRecord | undefined {
    this.claims.push(id);
    const record = this.known.get(id);
    this.known.delete(id);
    return record;
  }
}

const never = () => new Promise<never>(() => undefined);
const fail = () => Promise.reject(new Error('KV is away'));

let world: FakeWorld;
let hub: ScriptedHub;
let store: PresenceStore;
let deferred: Promise<void>[];
let reports: string[];
const defer = (task: Promise<void>) => void deferred.push(task);

const newStore = (timing: Timing = TIMING, by: World = world) =>
  new PresenceStore({
    hub,
    timing,
    sessionsMax: 50_000,
    world: by,
    report: (trouble) => void reports.push(trouble),
  });

beforeEach(() => {
  world = new FakeWorld();
  hub = new ScriptedHub();
  deferred = [];
  reports = [];
  store = newStore();
});

/** A heartbeat that must be answered without waiting for anything. */
async function heartbeatAtOnce(id = ANNA) {
  const answer = await Promise.race([store.heartbeat(id, 'presence', defer), settle()]);
  if (answer === undefined) throw new Error('The heartbeat had to wait.');
  return answer;
}

/** Whether the answer comes without the clock moving. */
async function isWaiting(answer: Promise<unknown>): Promise<boolean> {
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  await settle();
  return !answered;
}

describe('a warm replica', () => {
  it('answers 1,000 heartbeats between two syncs without touching the hub', async () => {
    await heartbeatAtOnce();
    for (let n = 0; n < 1_000; n += 1) await heartbeatAtOnce(sessionId(n));
    expect(hub.syncs).toBe(1);
  });

  it('counts its own and the others, and stamps the answer with its clock', async () => {
    hub.others = { gratitude: 3, presence: 4, release: 0, connection: 1 };
    await store.heartbeat(ANNA, 'release', defer);
    expect(await store.presence(defer)).toEqual({
      count: 9,
      moods: { gratitude: 3, presence: 4, release: 1, connection: 1 },
      timestamp: START,
    });
  });

  it('expires a session exactly a TTL after its heartbeat', async () => {
    await store.heartbeat(ANNA, 'presence', defer);
    await world.advance(29_999);
    expect((await store.presence(defer)).count).toBe(1);
    await world.advance(1);
    expect((await store.presence(defer)).count).toBe(0);
  });

  it('claims a session that comes here, so that the hub counts it no more', async () => {
    hub.known.set(ANNA, { mood: 'presence', lastSeen: START });
    await store.heartbeat(ANNA, 'presence', defer);
    expect(hub.claims).toEqual([ANNA]);
  });
});

describe('the sync', () => {
  it.each([
    ['an unlucky', 0, 7_500],
    ['a middling', 0.5, 10_000],
    ['a lucky', 1, 12_500],
  ])('comes due after the interval and its jitter: %s draw', async (_name, luck, dueMs) => {
    world.luck = luck;
    await heartbeatAtOnce();
    await world.advance(dueMs - 1);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
    await world.advance(1);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('runs after the response, handed to waitUntil, when the replica is warm', async () => {
    await heartbeatAtOnce();
    await world.advance(10_000);
    hub.next = never;
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
    expect(deferred).toHaveLength(2);
  });

  it('is awaited by all first requests in one flight', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const answers = [1, 2, 3].map((n) => store.heartbeat(sessionId(n), 'presence', defer));
    expect(await isWaiting(Promise.race(answers))).toBe(true);
    hub.others = { ...NOBODY, release: 5 };
    landing.resolve('done');
    for (const answer of answers) expect((await answer).count).toBe(8);
    expect(hub.syncs).toBe(1);
    expect(deferred).toHaveLength(1);
  });

  it('is awaited for one second from its start and no longer, whoever asks', async () => {
    hub.next = never;
    const first = store.heartbeat(ANNA, 'presence', defer);
    await world.advance(SYNC_WAIT_MAX_MS - 100);
    const second = store.heartbeat(BEN, 'presence', defer);
    expect(await isWaiting(Promise.race([first, second]))).toBe(true);
    await world.advance(100);
    expect((await first).count).toBe(2);
    expect((await second).count).toBe(2);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
  });

  it('is awaited again when the last attempt is older than one and a half intervals', async () => {
    await heartbeatAtOnce();
    hub.next = never;
    await world.advance(15_001);
    expect(await isWaiting(store.heartbeat(ANNA, 'presence', defer))).toBe(true);
  });

  it('is not awaited just before that', async () => {
    await heartbeatAtOnce();
    hub.next = never;
    await world.advance(15_000);
    await heartbeatAtOnce();
  });

  it('comes due an interval after its start, however long it took', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    await heartbeatAtOnce();
    await world.advance(10_000);
    hub.next = () => landing.promise;
    await heartbeatAtOnce();
    await world.advance(3_000);
    landing.resolve('done');
    await settle();
    await world.advance(7_000);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(3);
  });

  it('that died with its request is made up for at the first request after it', async () => {
    await heartbeatAtOnce();
    await world.advance(10_000);
    hub.next = never;
    await heartbeatAtOnce();
    await world.advance(3_600_000);
    expect(await isWaiting(store.presence(defer))).toBe(true);
    expect(hub.syncs).toBe(3);
  });

  it('is awaited again at the retry of a replica that has never synced', async () => {
    hub.next = fail;
    await heartbeatAtOnce();
    hub.next = never;
    await world.advance(1_000);
    expect(await isWaiting(store.heartbeat(ANNA, 'presence', defer))).toBe(true);
  });

  it('is given up when the hub is silent for 30 s, and its late end changes nothing', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const first = store.heartbeat(ANNA, 'presence', defer);
    await world.advance(SYNC_WAIT_MAX_MS);
    await first;
    await world.advance(SYNC_ABANDON_MS - SYNC_WAIT_MAX_MS - 1);
    await heartbeatAtOnce();
    expect(reports).toHaveLength(0);
    await world.advance(1);
    await heartbeatAtOnce();
    expect(reports).toHaveLength(1);
    landing.resolve('done');
    await settle();
    expect(store.health().lastSyncAgeMs).toBeNull();
    hub.next = () => Promise.resolve('done');
    await world.advance(1_000);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
    expect(store.health()).toEqual({ status: 'ok', hub: 'kv', lastSyncAgeMs: 0 });
  });

  it('that was given up and then fails is not counted as another failure', async () => {
    await heartbeatAtOnce();
    const landing = Promise.withResolvers<SyncOutcome>();
    await world.advance(10_000);
    hub.next = () => landing.promise;
    await heartbeatAtOnce();
    hub.next = () => Promise.resolve('done');
    await world.advance(SYNC_ABANDON_MS + 1_000);
    await heartbeatAtOnce();
    landing.reject(new Error('KV is away'));
    await settle();
    expect(store.health()).toMatchObject({ status: 'ok' });
    expect(reports).toHaveLength(1);
  });
});

describe('what comes between two syncs that are frequent', () => {
  const FREQUENT = roomTiming(30_000, 1_000);
  beforeEach(async () => {
    store = newStore(FREQUENT);
    await store.presence(defer);
    deferred.length = 0;
  });

  /** Ten seconds without a request. */
  async function silence(): Promise<void> {
    for (let tenth = 0; tenth < 100; tenth += 1) await world.advance(100);
  }

  it('is told at the next one, once and not before', async () => {
    await heartbeatAtOnce();
    await world.advance(999);
    expect(hub.syncs).toBe(1);
    await world.advance(1);
    expect(hub.syncs).toBe(2);
    await silence();
    expect(hub.syncs).toBe(2);
  });

  it('is not told by a sync of its own where a request starts one', async () => {
    store = newStore(FREQUENT);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('keeps one task alive, however many requests there are', async () => {
    for (let n = 0; n < 100; n += 1) await heartbeatAtOnce(sessionId(n));
    expect(deferred).toHaveLength(1);
  });

  it('is nothing where a leave is of somebody unknown', async () => {
    await store.leave(ANNA, defer);
    await silence();
    expect(hub.syncs).toBe(1);
  });

  it('keeps no request waiting while it is told', async () => {
    await heartbeatAtOnce();
    hub.next = never;
    await world.advance(1_000);
    expect(hub.syncs).toBe(2);
    await heartbeatAtOnce();
  });

  it('is waited for no longer than the platform waits, and never in vain', async () => {
    const sleeps: number[] = [];
    const sleep = (ms: number) => {
      sleeps.push(ms);
      return world.sleep(ms);
    };
    store = newStore(FREQUENT, { now: world.now, random: world.random, sleep });
    await heartbeatAtOnce();
    await heartbeatAtOnce(BEN);
    hub.next = never;
    await silence();
    await store.presence(defer);
    expect(Math.min(...sleeps)).toBeGreaterThan(0);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(SYNC_ABANDON_MS);
  });

  it('is told again where the hub refused it, with no request more', async () => {
    await heartbeatAtOnce();
    hub.next = () => Promise.resolve('refused');
    await world.advance(1_000);
    expect(hub.syncs).toBe(2);
    hub.next = () => Promise.resolve('done');
    await silence();
    expect(hub.syncs).toBe(3);
  });

  it('is given up where the hub fails for so long that the platform ends the work', async () => {
    await heartbeatAtOnce();
    hub.next = fail;
    for (let round = 0; round < 3; round += 1) await silence();
    const { syncs } = hub;
    expect(syncs).toBeGreaterThan(20);
    await silence();
    expect(hub.syncs).toBe(syncs);
  });

  it.each([
    [SYNC_PLAN_INTERVAL_MAX_MS, 2],
    [SYNC_PLAN_INTERVAL_MAX_MS + 1, 1],
  ])('is told without a request if they are so frequent: every %d ms', async (intervalMs, syncs) => {
    hub = new ScriptedHub();
    store = newStore(roomTiming(30_000, intervalMs));
    await store.presence(defer);
    await heartbeatAtOnce();
    await silence();
    expect(hub.syncs).toBe(syncs);
  });
});

describe('a hub in trouble', () => {
  it('fails no request, and nobody waits until the next attempt is due', async () => {
    hub.next = fail;
    expect((await heartbeatAtOnce()).count).toBe(1);
    hub.next = never;
    await world.advance(999);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
  });

  it('is asked again after 1 s, 2 s, 4 s … and then at every interval', async () => {
    hub.next = fail;
    await heartbeatAtOnce();
    for (const waitMs of [1, 2, 4, 8, 10, 10].map((s) => s * 1_000)) {
      const before = hub.syncs;
      await world.advance(waitMs - 1);
      await heartbeatAtOnce();
      expect(hub.syncs).toBe(before);
      await world.advance(1);
      await heartbeatAtOnce();
      expect(hub.syncs).toBe(before + 1);
    }
    hub.next = () => Promise.resolve('done');
    await world.advance(10_000);
    await heartbeatAtOnce();
    expect(store.health().status).toBe('ok');
    hub.next = fail;
    await world.advance(10_000);
    await heartbeatAtOnce();
    await settle();
    await world.advance(1_000);
    const before = hub.syncs;
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(before + 1);
  });

  it.each([
    [0, 1_000],
    [0.5, 2_000],
    [1, 3_000],
  ])('that refuses a write is asked again within 1 to 3 s: luck %d, %d ms', async (luck, waitMs) => {
    world.luck = luck;
    hub.next = () => Promise.resolve('refused');
    await heartbeatAtOnce();
    expect(store.health().status).toBe('ok');
    await world.advance(waitMs - 1);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
    await world.advance(1);
    await heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('shows as degraded, with the age of the last sync that went well', async () => {
    expect(store.health()).toEqual({ status: 'ok', hub: 'kv', lastSyncAgeMs: null });
    await heartbeatAtOnce();
    await world.advance(10_000);
    hub.next = fail;
    await heartbeatAtOnce();
    await settle();
    expect(store.health()).toEqual({ status: 'degraded', hub: 'kv', lastSyncAgeMs: 10_000 });
  });
});

describe('a replica that the hub contradicts', () => {
  it('counts the caller in its own answer, even if another clock stamped a leave later', async () => {
    const left: SessionRecord = { mood: null, lastSeen: START + 2_000 };
    hub.next = async (own) => {
      for (const [id, record] of own.merge(new Map([[ANNA, left]]), START).elsewhere)
        hub.known.set(id, record);
      return 'done';
    };
    expect((await store.heartbeat(ANNA, 'presence', defer)).count).toBe(1);
    // And stamps this heartbeat later than that leave, so that it wins the next merge too.
    let elsewhere: number | undefined;
    hub.next = async (own) => {
      elsewhere = own.merge(new Map([[ANNA, left]]), START).elsewhere.size;
      return 'done';
    };
    await world.advance(10_000);
    expect((await store.presence(defer)).count).toBe(1);
    expect(elsewhere).toBe(0);
  });

  it('that is fresh knows a leaving session after its first sync, and tells of the leave at once', async () => {
    hub.next = () => {
      hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
      return Promise.resolve('done');
    };
    await store.leave(ANNA, defer);
    expect(hub.syncs).toBe(2);
  });

  it('that is fresh keeps a leaving session waiting until the hub has been told, and tells it of the leave', async () => {
    let told: SessionRecord | undefined;
    hub.next = async () => {
      hub.known.set(ANNA, { mood: 'presence', lastSeen: START });
      hub.next = (own) => {
        told = own.last(ANNA);
        return never();
      };
      return 'done';
    };
    const leave = store.leave(ANNA, defer);
    expect(await isWaiting(leave)).toBe(true);
    expect(told).toMatchObject({ mood: null, lastSeen: START + 1 });
    await world.advance(SYNC_WAIT_MAX_MS);
    await leave;
    expect((await store.presence(defer)).count).toBe(0);
  });

  it('that is fresh says nothing of a leave that the hub knows already', async () => {
    hub.next = () => {
      hub.known.set(ANNA, { mood: null, lastSeen: START - 1_000 });
      return Promise.resolve('done');
    };
    await store.leave(ANNA, defer);
    expect(hub.syncs).toBe(1);
  });

  it('that is fresh starts no second sync for a leave while one is under way', async () => {
    hub.next = never;
    const leave = store.leave(BEN, defer);
    // A sync may have told of some before all of it has ended.
    hub.known.set(BEN, { mood: 'presence', lastSeen: START });
    await world.advance(SYNC_WAIT_MAX_MS);
    await leave;
    expect(hub.claims).toEqual([BEN]);
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['ended well', (): Promise<SyncOutcome> => Promise.resolve('done')],
    ['failed', fail],
  ])('counts a caller in all answers that wait for the sync, also when it %s', async (_name, end) => {
    const landing = Promise.withResolvers<void>();
    hub.next = async (own) => {
      await landing.promise;
      const left: SessionRecord = { mood: null, lastSeen: START + 2_000 };
      own.merge(new Map([[ANNA, left]]), START);
      hub.known.set(ANNA, left);
      return end();
    };
    const earlier = store.presence(defer);
    const heartbeat = store.heartbeat(ANNA, 'presence', defer);
    landing.resolve();
    expect((await earlier).count).toBe(1);
    expect((await heartbeat).count).toBe(1);
  });

  it('lets nobody leave whom another replica has heard since', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const leave = store.leave(ANNA, defer);
    await world.advance(500);
    hub.known.set(ANNA, { mood: 'release', lastSeen: START + 1 });
    landing.resolve('done');
    await leave;
    expect((await store.presence(defer)).moods).toEqual({ ...NOBODY, release: 1 });
  });

  it.each([
    ['as of now, is in that mood', START + 500, 'release'],
    ['by a clock that is ahead, is in the mood that was told here', START + 501, 'presence'],
  ])('counts a caller once who was heard elsewhere while he waited: %s', async (_name, lastSeen, mood) => {
    hub.next = async (own) => {
      await world.sleep(500);
      const elsewhere: SessionRecord = { mood: 'release', lastSeen };
      own.merge(new Map([[ANNA, elsewhere]]), START + 500);
      hub.known.set(ANNA, elsewhere);
      return 'done';
    };
    const answer = store.heartbeat(ANNA, 'presence', defer);
    await world.advance(500);
    expect((await answer).moods).toEqual({ ...NOBODY, [mood]: 1 });
    expect(hub.known.size).toBe(0);
    // That holds when the hub tells of the other heartbeat again.
    hub.next = async (own) => {
      own.merge(new Map([[ANNA, { mood: 'release', lastSeen }]]), world.now());
      return 'done';
    };
    await world.advance(10_000);
    await store.presence(defer);
    expect((await store.presence(defer)).moods).toEqual({ ...NOBODY, [mood]: 1 });
  });

  it('stamps a heartbeat that waited no later than the leave that it overrules', async () => {
    hub.next = async (own) => {
      const left: SessionRecord = { mood: null, lastSeen: START + 2_000 };
      own.merge(new Map([[ANNA, left]]), START);
      hub.known.set(ANNA, left);
      return 'done';
    };
    await store.heartbeat(ANNA, 'presence', defer);
    let stamped: SessionRecord | undefined;
    hub.next = (own) => {
      stamped = own.last(ANNA);
      return Promise.resolve('done');
    };
    await world.advance(10_000);
    await store.presence(defer);
    expect(stamped).toMatchObject({ mood: 'presence', lastSeen: START + 2_000 });
  });

  it.each([
    ['beat, leave', 'BL', 0],
    ['leave, beat', 'LB', 1],
    ['beat, leave, beat', 'BLB', 1],
    ['leave, beat, leave', 'LBL', 0],
    ['beat, leave, beat, leave', 'BLBL', 0],
  ])(
    'that is fresh applies what comes while it waits in the order of arrival: %s',
    async (_name, order, count) => {
      for (const knownBefore of [false, true]) {
        hub = new ScriptedHub();
        store = newStore();
        const landing = Promise.withResolvers<SyncOutcome>();
        hub.next = () => landing.promise;
        const ask = { B: () => store.heartbeat(ANNA, 'presence', defer), L: () => store.leave(ANNA, defer) };
        const answers = [...order].map((one) => ask[one as 'B' | 'L']());
        await settle();
        if (knownBefore) hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
        hub.next = () => Promise.resolve('done');
        landing.resolve('done');
        await Promise.all(answers);
        // Whom the hub knew is no longer among the others, since the replica claims him.
        expect((await store.presence(defer)).count).toBe(count);
      }
    },
  );

  it('that is fresh says nothing of a leave that the hub does not know either', async () => {
    await store.leave(ANNA, defer);
    expect(hub.syncs).toBe(1);
    expect(hub.claims).toEqual([]);
  });
});
