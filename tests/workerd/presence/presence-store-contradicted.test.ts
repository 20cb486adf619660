import { beforeEach, describe, expect, it } from 'vitest';
import { SYNC_WAIT_MAX_MS } from '../../../src/limits';
import type { SyncOutcome } from '../../../src/presence/hub';
import { type SessionRecord, ZERO_COUNTS } from '../../../src/presence/session';
import { FakeRuntime, START, settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { DONE, fail, never, ScriptedHub } from './scripted-hub';
import { isWaiting, WaitingReplica } from './waiting-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
beforeEach(() => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub(runtime);
  replica = new WaitingReplica(hub, runtime);
});

describe('a replica that the hub contradicts', () => {
  const LEFT: SessionRecord = { mood: null, lastSeen: START + 2_000 };

  it('an answer counts its caller even if another clock stamped a leave later', async () => {
    hub.stored.set(ANNA, LEFT);
    expect((await replica.heartbeat(ANNA)).count).toBe(1);
    // The heartbeat has a stamp that wins the next merge too.
    await runtime.advance(10_000);
    expect((await replica.presence()).count).toBe(1);
    expect(hub.replica.own.isPresent(ANNA)).toBe(true);
  });

  it('a heartbeat that waited gets no later stamp than the leave that it overrules', async () => {
    hub.stored.set(ANNA, LEFT);
    await replica.heartbeat(ANNA);
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: 'presence', lastSeen: LEFT.lastSeen });
  });

  it('a leave of the hub ends a session after its heartbeat has been answered', async () => {
    await replica.heartbeat(ANNA);
    hub.stored.set(ANNA, LEFT);
    await runtime.advance(10_000);
    await replica.presence();
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave of the hub ends a session whose request the platform has ended, after that sync', async () => {
    hub.next = never;
    void replica.heartbeat(ANNA);
    await runtime.advance(20_000);
    hub.next = () => Promise.resolve(DONE);
    await replica.presence();
    hub.stored.set(ANNA, { mood: null, lastSeen: START + 20_000 });
    await runtime.advance(1_000);
    await replica.presence();
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave ends a session while its heartbeat waits', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const answers = [replica.heartbeat(ANNA), replica.leave(ANNA)];
    await settle();
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    landing.resolve(DONE);
    await Promise.all(answers);
    expect((await replica.presence()).count).toBe(0);
  });

  it('the first sync of a fresh replica writes the tombstone of a leave', async () => {
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START });
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null, lastSeen: START + 1 });
    expect([...hub.replica.outbox(0).keys()]).toEqual([ANNA]);
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave at a fresh replica waits until the hub has it', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START });
    hub.next = () => {
      hub.merge();
      return landing.promise;
    };
    const leave = replica.leave(ANNA);
    expect(await isWaiting(leave)).toBe(true);
    landing.resolve(DONE);
    await leave;
  });

  it('a fresh replica sends no leave that the hub has already', async () => {
    hub.stored.set(ANNA, { mood: null, lastSeen: START - 1_000 });
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.own.recordsSize).toBe(0);
  });

  it('a fresh replica starts no second sync for a leave while the first one runs', async () => {
    hub.next = never;
    const leave = replica.leave(BEN);
    // A sync may merge some sessions before all of it has ended.
    hub.stored.set(BEN, { mood: 'presence', lastSeen: START });
    hub.merge();
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    expect(hub.replica.get(BEN)).toMatchObject({ mood: null });
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['ended well', (): Promise<SyncOutcome> => Promise.resolve(DONE)],
    ['failed', fail],
  ])('all answers that wait for a sync count a caller, also when that sync %s', async (_name, end) => {
    const landing = Promise.withResolvers<void>();
    hub.next = async () => {
      await landing.promise;
      hub.stored.set(ANNA, LEFT);
      hub.merge();
      return end();
    };
    const earlier = replica.presence();
    const heartbeat = replica.heartbeat(ANNA);
    landing.resolve();
    expect((await earlier).count).toBe(1);
    expect((await heartbeat).count).toBe(1);
  });

  it('a leave ends no session that sent a later heartbeat at another replica', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(500);
    hub.stored.set(ANNA, { mood: 'release', lastSeen: START + 1 });
    landing.resolve(DONE);
    await leave;
    expect(hub.replica.own.recordsSize).toBe(0);
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['the other heartbeat is as late as this clock, and its mood counts', START + 500, 'release'],
    ['the other heartbeat has a clock that is ahead, and the mood from here counts', START + 501, 'presence'],
  ])(
    'a caller whose other heartbeat came elsewhere while this one waited counts once: %s',
    async (_name, lastSeen, mood) => {
      hub.next = async () => {
        await runtime.sleep(500);
        hub.stored.set(ANNA, { mood: 'release', lastSeen });
        return DONE;
      };
      const answer = replica.heartbeat(ANNA);
      await runtime.advance(500);
      expect((await answer).moods).toEqual({ ...ZERO_COUNTS, [mood]: 1 });
      expect(hub.replica.remote.recordsSize).toBe(0);
      // That holds when the hub brings the other heartbeat again.
      hub.next = () => Promise.resolve(DONE);
      await runtime.advance(10_000);
      await replica.presence();
      expect((await replica.presence()).moods).toEqual({ ...ZERO_COUNTS, [mood]: 1 });
    },
  );

  it.each([
    ['beat, leave', 'BL', 0],
    ['leave, beat', 'LB', 1],
    ['beat, leave, beat', 'BLB', 1],
    ['leave, beat, leave', 'LBL', 0],
    ['beat, leave, beat, leave', 'BLBL', 0],
  ])(
    'a fresh replica applies requests that wait in their order of arrival: %s',
    async (_name, order, count) => {
      for (const knownBefore of [false, true]) {
        hub = new ScriptedHub(runtime);
        replica = new WaitingReplica(hub, runtime);
        const landing = Promise.withResolvers<SyncOutcome>();
        hub.next = () => landing.promise;
        const ask = { B: () => replica.heartbeat(ANNA), L: () => replica.leave(ANNA) };
        const answers = [...order].map((one) => ask[one as 'B' | 'L']());
        await settle();
        if (knownBefore) hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
        hub.next = () => Promise.resolve(DONE);
        landing.resolve(DONE);
        await Promise.all(answers);
        expect((await replica.presence()).count).toBe(count);
      }
    },
  );

  it('a replica remembers a leave after its answer, until a sync brings the session', async () => {
    const landing = Promise.withResolvers<SyncOutcome>();
    hub.next = () => landing.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    await runtime.advance(200);
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    landing.resolve(DONE);
    await settle();
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null });
    expect(hub.replica.own.recordsSize).toBe(1);
  });

  it('a replica remembers a leave of a session that only a later sync brings', async () => {
    await replica.leave(ANNA);
    await runtime.advance(10_000);
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    await replica.presence();
    await settle();
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null });
  });

  it('a heartbeat at this replica cancels an earlier leave of an unknown session', async () => {
    await replica.leave(ANNA);
    await replica.heartbeat(ANNA);
    await runtime.advance(10_000);
    expect((await replica.presence()).count).toBe(1);
  });

  it('a replica remembers the latest 1,000 leaves of unknown sessions', async () => {
    await replica.presence();
    for (let n = 1; n <= 1_001; n += 1) await replica.leave(sessionId(n));
    for (const n of [1, 2]) hub.stored.set(sessionId(n), { mood: 'presence', lastSeen: START - 1_000 });
    await runtime.advance(10_000);
    await replica.presence();
    await settle();
    expect([1, 2].map((n) => hub.replica.get(sessionId(n))?.mood)).toEqual(['presence', null]);
  });

  it('a fresh replica sends no leave of a session that the hub does not know', async () => {
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.own.recordsSize).toBe(0);
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

  it('a waiting heartbeat does not count if its session left at another replica meanwhile', async () => {
    hub.stored.set(ANNA, { mood: null, lastSeen: START + 200 });
    hub.merge();
    answer(true);
    expect(await heartbeat).toMatchObject({ count: 0 });
  });

  it('a waiting heartbeat keeps the mood of a later heartbeat at another replica', async () => {
    hub.stored.set(ANNA, { mood: 'release', lastSeen: START + 200 });
    hub.merge();
    answer(true);
    expect(await heartbeat).toMatchObject({ count: 1, moods: { release: 1 } });
  });

  it('a waiting heartbeat counts in its own mood if the heartbeat at another replica is older', async () => {
    hub.stored.set(ANNA, { mood: 'release', lastSeen: START - 200 });
    hub.merge();
    answer(false);
    expect(await heartbeat).toMatchObject({ count: 1, moods: { presence: 1 } });
  });

  it('a session expires a TTL after its heartbeat came, not after the limiter answered', async () => {
    answer(true);
    await heartbeat;
    await runtime.advance(29_499);
    expect((await replica.presence()).count).toBe(1);
    await runtime.advance(1);
    expect((await replica.presence()).count).toBe(0);
  });
});
