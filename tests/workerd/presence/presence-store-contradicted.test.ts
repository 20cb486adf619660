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

/** Runs the next sync, and returns the keys of the records that it sends. */
async function nextSentKeys(): Promise<readonly string[]> {
  const { syncs } = hub;
  await runtime.advance(10_000);
  await replica.presence();
  expect(hub.syncs).toBe(syncs + 1);
  return hub.sentKeys;
}

describe('contradictions of the hub', () => {
  const LEFT: SessionRecord = { mood: null, lastSeen: START + 2_000 };

  it('an answer counts the session of its request, also when another clock stamped a leave later', async () => {
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

  it('a leave from the hub ends a session whose heartbeat has its answer', async () => {
    await replica.heartbeat(ANNA);
    hub.stored.set(ANNA, LEFT);
    await runtime.advance(10_000);
    await replica.presence();
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave from the hub ends a session although the platform ended the request that pinned it', async () => {
    // The platform ends a request whose promises never settle, so it unpins nothing.
    replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep: never });
    hub.beforeMerge = never;
    expect(await isWaiting(replica.heartbeat(ANNA))).toBe(true);
    await runtime.advance(20_000);
    hub.beforeMerge = () => Promise.resolve(DONE);
    await replica.presence();
    hub.stored.set(ANNA, { mood: null, lastSeen: START + 20_000 });
    await runtime.advance(1_000);
    await replica.presence();
    expect((await replica.presence()).count).toBe(0);
  });

  it('a sync that succeeds removes the pin of a request that the platform ended', async () => {
    await replica.heartbeat(ANNA);
    hub.replica.pin(ANNA);
    await runtime.advance(10_000);
    await replica.presence();
    hub.stored.set(ANNA, { mood: null, lastSeen: START + 15_000 });
    await runtime.advance(10_000);
    await replica.presence();
    expect(hub.syncs).toBe(3);
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave ends a session whose heartbeat waits for a sync', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.beforeMerge = () => pendingSync.promise;
    const answers = [replica.heartbeat(ANNA), replica.leave(ANNA)];
    await settle();
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    pendingSync.resolve(DONE);
    await Promise.all(answers);
    expect((await replica.presence()).count).toBe(0);
  });

  it('a leave at a fresh replica makes a tombstone of a session that the first sync adds', async () => {
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START });
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null, lastSeen: START + 1 });
    expect((await replica.presence()).count).toBe(0);
    expect(await nextSentKeys()).toEqual([ANNA]);
  });

  it('a leave at a fresh replica waits until the first sync ends', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START });
    hub.beforeMerge = () => {
      hub.merge();
      return pendingSync.promise;
    };
    const leave = replica.leave(ANNA);
    expect(await isWaiting(leave)).toBe(true);
    pendingSync.resolve(DONE);
    await leave;
  });

  it('a leave at a fresh replica adds no tombstone if the hub has one', async () => {
    hub.stored.set(ANNA, { mood: null, lastSeen: START - 1_000 });
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.own.recordsSize).toBe(0);
    expect(await nextSentKeys()).toEqual([]);
  });

  it('a fresh replica starts no second sync for a leave while the first one runs', async () => {
    hub.beforeMerge = never;
    const leave = replica.leave(BEN);
    // A sync merges sessions before it ends.
    hub.stored.set(BEN, { mood: 'presence', lastSeen: START });
    hub.merge();
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    expect(hub.replica.get(BEN)).toMatchObject({ mood: null });
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['succeeds', (): Promise<SyncOutcome> => Promise.resolve(DONE)],
    ['fails', fail],
  ])(
    'each answer that waits for a sync counts the session of a waiting heartbeat when that sync %s',
    async (_name, end) => {
      const pendingSync = Promise.withResolvers<void>();
      hub.beforeMerge = async () => {
        await pendingSync.promise;
        hub.stored.set(ANNA, LEFT);
        hub.merge();
        return end();
      };
      const earlier = replica.presence();
      const heartbeat = replica.heartbeat(ANNA);
      pendingSync.resolve();
      expect((await earlier).count).toBe(1);
      expect((await heartbeat).count).toBe(1);
    },
  );

  it('a leave ends no session that sent a later heartbeat to another replica', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.beforeMerge = () => pendingSync.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(500);
    hub.stored.set(ANNA, { mood: 'release', lastSeen: START + 1 });
    pendingSync.resolve(DONE);
    await leave;
    expect(hub.replica.own.recordsSize).toBe(0);
    expect(hub.syncs).toBe(1);
  });

  it.each([
    ['the later one is not in the future, so its mood counts', START + 500, 'release'],
    ['the later one is in the future, so the first mood counts', START + 501, 'presence'],
  ])('heartbeats at two replicas during a sync count once: %s', async (_name, lastSeen, mood) => {
    hub.beforeMerge = async () => {
      await runtime.sleep(500);
      hub.stored.set(ANNA, { mood: 'release', lastSeen });
      return DONE;
    };
    const answer = replica.heartbeat(ANNA);
    await runtime.advance(500);
    expect((await answer).moods).toEqual({ ...ZERO_COUNTS, [mood]: 1 });
    expect(hub.replica.remote.recordsSize).toBe(0);
    // The count stays the same when the hub sends the other heartbeat again.
    hub.beforeMerge = () => Promise.resolve(DONE);
    await runtime.advance(10_000);
    await replica.presence();
    expect((await replica.presence()).moods).toEqual({ ...ZERO_COUNTS, [mood]: 1 });
  });

  it.each([
    ['heartbeat, leave', 'HL', 0],
    ['leave, heartbeat', 'LH', 1],
    ['heartbeat, leave, heartbeat', 'HLH', 1],
    ['leave, heartbeat, leave', 'LHL', 0],
    ['heartbeat, leave, heartbeat, leave', 'HLHL', 0],
  ])(
    'a fresh replica applies requests that wait in their order of arrival: %s',
    async (_name, order, count) => {
      for (const knownBefore of [false, true]) {
        hub = new ScriptedHub(runtime);
        replica = new WaitingReplica(hub, runtime);
        const pendingSync = Promise.withResolvers<SyncOutcome>();
        hub.beforeMerge = () => pendingSync.promise;
        const send = { H: () => replica.heartbeat(ANNA), L: () => replica.leave(ANNA) };
        const answers = [...order].map((one) => send[one as 'H' | 'L']());
        await settle();
        if (knownBefore) hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
        hub.beforeMerge = () => Promise.resolve(DONE);
        pendingSync.resolve(DONE);
        await Promise.all(answers);
        expect((await replica.presence()).count).toBe(count);
      }
    },
  );

  it('a leave that has its answer ends a session that the running sync adds later', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.beforeMerge = () => pendingSync.promise;
    const leave = replica.leave(ANNA);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await leave;
    await runtime.advance(200);
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    pendingSync.resolve(DONE);
    await settle();
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null });
    expect(hub.replica.own.recordsSize).toBe(1);
  });

  it('a leave ends a session that only a later sync adds', async () => {
    await replica.leave(ANNA);
    await runtime.advance(10_000);
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    await replica.presence();
    await settle();
    expect(hub.replica.get(ANNA)).toMatchObject({ mood: null });
  });

  it('a heartbeat cancels an earlier leave, so a later sync that adds the session does not end it', async () => {
    await replica.leave(ANNA);
    await replica.heartbeat(ANNA);
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    await runtime.advance(10_000);
    await replica.presence();
    expect(hub.syncs).toBe(2);
    expect((await replica.presence()).count).toBe(1);
  });

  it('a replica remembers the latest 1,000 leaves for unknown sessions', async () => {
    await replica.presence();
    for (let n = 1; n <= 1_001; n += 1) await replica.leave(sessionId(n));
    for (const n of [1, 2]) hub.stored.set(sessionId(n), { mood: 'presence', lastSeen: START - 1_000 });
    await runtime.advance(10_000);
    await replica.presence();
    await settle();
    expect([1, 2].map((n) => hub.replica.get(sessionId(n))?.mood)).toEqual(['presence', null]);
  });

  it('a leave at a fresh replica adds no tombstone of a session that the hub does not have', async () => {
    await replica.leave(ANNA);
    expect(hub.syncs).toBe(1);
    expect(hub.replica.own.recordsSize).toBe(0);
    expect(hub.replica.get(ANNA)).toBeUndefined();
    expect(await nextSentKeys()).toEqual([]);
  });
});
