import { beforeEach, describe, expect, it } from 'vitest';
import { SYNC_WAIT_MAX_MS } from '../../../src/limits';
import type { SyncOutcome } from '../../../src/presence/hub';
import { NOBODY, type SessionRecord } from '../../../src/presence/session';
import { FakeRuntime, START, settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { fail, never, ScriptedHub } from './scripted-hub';
import { isWaiting, WaitingReplica } from './waiting-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
beforeEach(() => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub();
  replica = new WaitingReplica(hub, runtime);
});

describe('a replica that the hub contradicts', () => {
  it('counts the caller in its own answer, even if another clock stamped a leave later', async () => {
    const left: SessionRecord = { mood: null, lastSeen: START + 2_000 };
    hub.next = async (own) => {
      for (const [id, record] of own.merge(new Map([[ANNA, left]]), START).elsewhere)
        hub.known.set(id, record);
      return 'done';
    };
    expect((await replica.heartbeat(ANNA)).count).toBe(1);
    // And stamps this heartbeat later than that leave, so that it wins the next merge too.
    let elsewhere: number | undefined;
    hub.next = async (own) => {
      elsewhere = own.merge(new Map([[ANNA, left]]), START).elsewhere.size;
      return 'done';
    };
    await runtime.advance(10_000);
    expect((await replica.presence()).count).toBe(1);
    expect(elsewhere).toBe(0);
  });

  it('that is fresh knows a leaving session after its first sync, and tells of the leave at once', async () => {
    hub.next = () => {
      hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
      return Promise.resolve('done');
    };
    await replica.leave(ANNA);
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
    const leave = replica.leave(ANNA);
    expect(await isWaiting(leave)).toBe(true);
    expect(told).toMatchObject({ mood: null, lastSeen: START + 1 });
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    expect((await replica.presence()).count).toBe(0);
  });

  it('that is fresh says nothing of a leave that the hub knows already', async () => {
    hub.next = () => {
      hub.known.set(ANNA, { mood: null, lastSeen: START - 1_000 });
      return Promise.resolve('done');
    };
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
  });

  it('that is fresh starts no second sync for a leave while one is under way', async () => {
    hub.next = never;
    const leave = replica.leave(BEN);
    // A sync may have told of some before all of it has ended.
    hub.known.set(BEN, { mood: 'presence', lastSeen: START });
    await runtime.advance(SYNC_WAIT_MAX_MS);
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
    const earlier = replica.presence();
    const heartbeat = replica.heartbeat(ANNA);
    landing.resolve();
    expect((await earlier).count).toBe(1);
    expect((await heartbeat).count).toBe(1);
  });

  it('lets nobody leave whom another replica has heard since', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(500);
    hub.known.set(ANNA, { mood: 'release', lastSeen: START + 1 });
    landing.resolve('done');
    await leave;
    expect(hub.claims).toEqual([]);
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['as of now, is in that mood', START + 500, 'release'],
    ['by a clock that is ahead, is in the mood that was told here', START + 501, 'presence'],
  ])('counts a caller once who was heard elsewhere while he waited: %s', async (_name, lastSeen, mood) => {
    hub.next = async (own) => {
      await runtime.sleep(500);
      const elsewhere: SessionRecord = { mood: 'release', lastSeen };
      own.merge(new Map([[ANNA, elsewhere]]), START + 500);
      hub.known.set(ANNA, elsewhere);
      return 'done';
    };
    const answer = replica.heartbeat(ANNA);
    await runtime.advance(500);
    expect((await answer).moods).toEqual({ ...NOBODY, [mood]: 1 });
    expect(hub.known.size).toBe(0);
    // That holds when the hub tells of the other heartbeat again.
    hub.next = async (own) => {
      own.merge(new Map([[ANNA, { mood: 'release', lastSeen }]]), runtime.now());
      return 'done';
    };
    await runtime.advance(10_000);
    await replica.presence();
    expect((await replica.presence()).moods).toEqual({ ...NOBODY, [mood]: 1 });
  });

  it('stamps a heartbeat that waited no later than the leave that it overrules', async () => {
    hub.next = async (own) => {
      const left: SessionRecord = { mood: null, lastSeen: START + 2_000 };
      own.merge(new Map([[ANNA, left]]), START);
      hub.known.set(ANNA, left);
      return 'done';
    };
    await replica.heartbeat(ANNA);
    let stamped: SessionRecord | undefined;
    hub.next = (own) => {
      stamped = own.last(ANNA);
      return Promise.resolve('done');
    };
    await runtime.advance(10_000);
    await replica.presence();
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
        replica = new WaitingReplica(hub, runtime);
        const landing = Promise.withResolvers<SyncOutcome>();
        hub.next = () => landing.promise;
        const ask = { B: () => replica.heartbeat(ANNA), L: () => replica.leave(ANNA) };
        const answers = [...order].map((one) => ask[one as 'B' | 'L']());
        await settle();
        if (knownBefore) hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
        hub.next = () => Promise.resolve('done');
        landing.resolve('done');
        await Promise.all(answers);
        // Whom the hub knew is no longer among the others, since the replica claims him.
        expect((await replica.presence()).count).toBe(count);
      }
    },
  );

  it('remembers a leave until a sync brings its session, though the request has been answered', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    await runtime.advance(200);
    hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    let sent: SessionRecord | undefined;
    hub.next = (own) => {
      sent = own.last(ANNA);
      return Promise.resolve('done');
    };
    landing.resolve('done');
    await settle();
    expect(hub.syncs).toBe(2);
    expect(sent).toMatchObject({ mood: null });
  });

  it('remembers a leave of a session that only a later sync brings', async () => {
    await replica.leave(ANNA);
    await runtime.advance(10_000);
    hub.next = () => {
      hub.known.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
      hub.next = () => Promise.resolve('done');
      return Promise.resolve('done');
    };
    await replica.presence();
    expect(hub.claims).toEqual([ANNA]);
  });

  it('forgets a leave when its session comes here', async () => {
    await replica.leave(ANNA);
    await replica.heartbeat(ANNA);
    await runtime.advance(10_000);
    expect((await replica.presence()).count).toBe(1);
  });

  it('remembers the latest thousand leaves of unknown sessions', async () => {
    await replica.presence();
    for (let n = 1; n <= 1_001; n += 1) await replica.leave(sessionId(n));
    for (const n of [1, 2]) hub.known.set(sessionId(n), { mood: 'presence', lastSeen: START - 1_000 });
    await runtime.advance(10_000);
    await replica.presence();
    await settle();
    expect(hub.claims).toEqual([sessionId(2)]);
  });

  it('that is fresh says nothing of a leave that the hub does not know either', async () => {
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.claims).toEqual([]);
  });
});

describe('a new session whose heartbeat waits for the limiter', () => {
  let answer: (isWithin: boolean) => void;
  let heartbeat: Promise<unknown>;
  beforeEach(async () => {
    await replica.presence();
    const limiter = Promise.withResolvers<boolean>();
    answer = limiter.resolve;
    heartbeat = replica.arrive(ANNA, 'presence', () => limiter.promise);
    await settle();
    await runtime.advance(500);
  });

  it('does not count if the session left at another replica meanwhile', async () => {
    hub.known.set(ANNA, { mood: null, lastSeen: START + 200 });
    answer(true);
    expect(await heartbeat).toMatchObject({ count: 0 });
  });

  it('keeps the mood of a later heartbeat at another replica', async () => {
    hub.known.set(ANNA, { mood: 'release', lastSeen: START + 200 });
    answer(true);
    expect(await heartbeat).toMatchObject({ count: 1, moods: { release: 1 } });
  });

  it('counts in its own mood where the other replica heard it earlier', async () => {
    hub.known.set(ANNA, { mood: 'release', lastSeen: START - 200 });
    answer(false);
    expect(await heartbeat).toMatchObject({ count: 1, moods: { presence: 1 } });
  });

  it('ends a TTL after it came, not after the limiter answered', async () => {
    answer(true);
    await heartbeat;
    await runtime.advance(29_499);
    expect((await replica.presence()).count).toBe(1);
    await runtime.advance(1);
    expect((await replica.presence()).count).toBe(0);
  });
});
