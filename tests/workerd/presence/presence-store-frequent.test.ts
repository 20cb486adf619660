import { beforeEach, describe, expect, it } from 'vitest';
import { DEFERRED_MAX_MS, FLUSH_MAX_MS, KV_FLUSH_INTERVAL_MAX_MS } from '../../../src/limits';
import { kvTiming, roomTiming } from '../../../src/presence/timing';
import { FakeRuntime } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { DONE, fail, never, REFUSED, ScriptedHub } from './scripted-hub';
import { WaitingReplica } from './waiting-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
beforeEach(() => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub(runtime);
  replica = new WaitingReplica(hub, runtime);
});

describe('changes between frequent syncs', () => {
  const FREQUENT = roomTiming(30_000, 1_000);
  beforeEach(async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.presence();
    replica.deferred.length = 0;
  });

  /** Moves the clock by 10 s without a request. */
  async function tenSecondsPass(): Promise<void> {
    for (let tenth = 0; tenth < 100; tenth += 1) await runtime.advance(100);
  }

  it('a change leads to one sync at the end of the interval, and to no other', async () => {
    await replica.heartbeatAtOnce();
    await runtime.advance(999);
    expect(hub.syncs).toBe(1);
    await runtime.advance(1);
    expect(hub.syncs).toBe(2);
    await tenSecondsPass();
    expect(hub.syncs).toBe(2);
  });

  it('a change starts no second sync if its request starts one', async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('100 changes share one deferred task', async () => {
    for (let n = 0; n < 100; n += 1) await replica.heartbeatAtOnce(sessionId(n));
    expect(replica.deferred).toHaveLength(1);
  });

  it('a leave for an unknown session starts one sync, which ends the session if it brings it', async () => {
    await replica.leave(ANNA);
    hub.stored.set(ANNA, { mood: 'release', lastSeen: runtime.now() });
    await tenSecondsPass();
    expect(hub.syncs).toBe(2);
    expect(hub.replica.get(ANNA)?.mood).toBeNull();
  });

  it('a heartbeat does not wait for a sync that a deferred task started', async () => {
    await replica.heartbeatAtOnce();
    hub.beforeMerge = never;
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    await replica.heartbeatAtOnce();
  });

  it.each([
    [1, FREQUENT],
    [60, roomTiming(600_000, 60_000)],
  ])(
    'each sleep of a deferred task is longer than 0 ms and at most 30 s: sync every %d s',
    async (_s, timing) => {
      const sleeps: number[] = [];
      const sleep = (ms: number) => {
        sleeps.push(ms);
        return runtime.sleep(ms);
      };
      replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep }, timing);
      await replica.presence();
      await replica.heartbeatAtOnce();
      await replica.heartbeatAtOnce(BEN);
      hub.beforeMerge = never;
      await tenSecondsPass();
      await replica.presence();
      expect(Math.min(...sleeps)).toBeGreaterThan(0);
      expect(Math.max(...sleeps)).toBeLessThanOrEqual(DEFERRED_MAX_MS);
    },
  );

  it('a deferred task sends a refused change again without another request', async () => {
    await replica.heartbeatAtOnce();
    hub.beforeMerge = () => Promise.resolve(REFUSED);
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    hub.beforeMerge = () => Promise.resolve(DONE);
    await tenSecondsPass();
    expect(hub.syncs).toBe(3);
  });

  it('a deferred task whose hub fails starts no sync after 30 s', async () => {
    await replica.heartbeatAtOnce();
    hub.beforeMerge = fail;
    for (let round = 0; round < 3; round += 1) await tenSecondsPass();
    const { syncs } = hub;
    expect(syncs).toBeGreaterThan(20);
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs);
  });

  it('a deferred task starts no sync in its last 5 s', async () => {
    await replica.heartbeatAtOnce();
    const startedAt = runtime.now();
    let lastSyncAt = startedAt;
    hub.beforeMerge = () => {
      lastSyncAt = runtime.now();
      return fail();
    };
    for (let round = 0; round < 4; round += 1) await tenSecondsPass();
    expect(lastSyncAt - startedAt).toBeGreaterThan(FLUSH_MAX_MS - 2_000);
    expect(lastSyncAt - startedAt).toBeLessThanOrEqual(FLUSH_MAX_MS);
  });

  it('a change is sent after the platform ended the deferred task of an earlier request', async () => {
    let isEnded = false;
    const sleep = (ms: number) => {
      const sleeping = runtime.sleep(ms);
      return isEnded ? never() : sleeping;
    };
    replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep }, FREQUENT);
    await replica.presence();
    isEnded = true;
    await replica.heartbeatAtOnce();
    isEnded = false;
    for (let tenth = 0; tenth < 21; tenth += 1) await runtime.advance(100);
    // A sync is due, so this request starts it. The next change finds no flush.
    await replica.heartbeatAtOnce(BEN);
    await runtime.advance(100);
    await replica.heartbeatAtOnce();
    const { syncs } = hub;
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs + 1);
  });

  it('a change is sent within 6.5 s of the start of a sync that never ends', async () => {
    hub.beforeMerge = never;
    await runtime.advance(1_000);
    await replica.presence();
    expect(hub.syncs).toBe(2);
    hub.beforeMerge = () => Promise.resolve(DONE);
    await replica.heartbeatAtOnce();
    await runtime.advance(4_999 - 1_000);
    expect(hub.syncs).toBe(2);
    for (let tenth = 0; tenth < 25; tenth += 1) await runtime.advance(100);
    expect(hub.syncs).toBe(3);
  });

  it('a change near the end of a deferred task is sent without another request', async () => {
    hub.beforeMerge = fail;
    await replica.heartbeatAtOnce();
    for (let tenth = 0; tenth < 245; tenth += 1) await runtime.advance(100);
    await replica.heartbeatAtOnce(BEN);
    hub.beforeMerge = () => Promise.resolve(DONE);
    const { syncs } = hub;
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs + 1);
    await replica.presence();
    expect(replica.health().trouble).toBeUndefined();
  });

  it.each([
    [2, 'KV, sync interval of 2 s', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS)],
    [1, 'KV, sync interval above 2 s', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS + 1)],
    [2, 'the room, sync interval of 7 s', roomTiming(30_000, 7_000)],
    [2, 'the room, sync interval of 60 s', roomTiming(600_000, 60_000)],
  ])(
    'a hub has %d syncs after a read and a heartbeat without another request: %s',
    async (syncs, _where, timing) => {
      hub = new ScriptedHub(runtime);
      replica = new WaitingReplica(hub, runtime, timing);
      await replica.presence();
      await replica.heartbeatAtOnce();
      for (let round = 0; round < 3; round += 1) await tenSecondsPass();
      expect(hub.syncs).toBe(syncs);
    },
  );
});
