import { beforeEach, describe, expect, it } from 'vitest';
import { SYNC_WAIT_MAX_MS } from '../../../src/limits';
import type { SyncOutcome } from '../../../src/presence/hub';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { FakeRuntime, settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { DONE, fail, never, ScriptedHub } from './scripted-hub';
import { isWaiting, WaitingReplica } from './waiting-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

/** Two intervals of 10 s. */
const ABANDON_MS = 20_000;

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
beforeEach(() => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub(runtime);
  replica = new WaitingReplica(hub, runtime);
});

describe('syncs', () => {
  it.each([
    [0, 7_500],
    [0.5, 10_000],
    [1, 12_500],
  ])(
    'a sync is due after the interval and its jitter: random number %d, %d ms',
    async (randomNumber, dueMs) => {
      runtime.randomNumber = randomNumber;
      await replica.heartbeatAtOnce();
      await runtime.advance(dueMs - 1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(1);
      await runtime.advance(1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(2);
    },
  );

  it('a sync of a warm replica runs after the response, in waitUntil', async () => {
    await replica.heartbeatAtOnce();
    await runtime.advance(10_000);
    hub.beforeMerge = never;
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
    expect(replica.deferred).toHaveLength(2);
  });

  it('all first requests wait for the same sync', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.beforeMerge = () => pendingSync.promise;
    const answers = [1, 2, 3].map((n) => replica.heartbeat(sessionId(n)));
    expect(await isWaiting(Promise.race(answers))).toBe(true);
    hub.otherLocationCounts = { ...ZERO_COUNTS, release: 5 };
    pendingSync.resolve(DONE);
    for (const answer of answers) expect((await answer).count).toBe(8);
    expect(hub.syncs).toBe(1);
    expect(replica.deferred).toHaveLength(1);
  });

  it('a request waits for a sync until 1 s after the start of that sync', async () => {
    hub.beforeMerge = never;
    const first = replica.heartbeat(ANNA);
    await runtime.advance(SYNC_WAIT_MAX_MS - 100);
    const second = replica.heartbeat(BEN);
    expect(await isWaiting(Promise.race([first, second]))).toBe(true);
    await runtime.advance(100);
    expect((await first).count).toBe(2);
    expect((await second).count).toBe(2);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
  });

  it('a request waits for a sync if the last attempt is older than 1.5 intervals', async () => {
    await replica.heartbeatAtOnce();
    hub.beforeMerge = never;
    await runtime.advance(15_001);
    expect(await isWaiting(replica.heartbeat(ANNA))).toBe(true);
  });

  it('a request does not wait for a sync if the last attempt is 1.5 intervals old', async () => {
    await replica.heartbeatAtOnce();
    hub.beforeMerge = never;
    await runtime.advance(15_000);
    await replica.heartbeatAtOnce();
  });

  it('the next sync is due an interval after the start of the last one', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    await replica.heartbeatAtOnce();
    await runtime.advance(10_000);
    hub.beforeMerge = () => pendingSync.promise;
    await replica.heartbeatAtOnce();
    await runtime.advance(3_000);
    pendingSync.resolve(DONE);
    await settle();
    await runtime.advance(7_000);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(3);
  });

  it('the first request after a step of the clock back starts a sync', async () => {
    await replica.presence();
    await runtime.advance(-600_000);
    await replica.presence();
    expect(hub.syncs).toBe(2);
  });

  it('the first request after a sync that the platform ended starts another sync', async () => {
    await replica.heartbeatAtOnce();
    await runtime.advance(10_000);
    hub.beforeMerge = never;
    await replica.heartbeatAtOnce();
    await runtime.advance(3_600_000);
    expect(await isWaiting(replica.presence())).toBe(true);
    expect(hub.syncs).toBe(3);
  });

  it('a request waits for the retry of a replica that has never synced', async () => {
    hub.beforeMerge = fail;
    await replica.heartbeatAtOnce();
    hub.beforeMerge = never;
    await runtime.advance(1_000);
    expect(await isWaiting(replica.heartbeat(ANNA))).toBe(true);
  });

  it('a replica abandons a sync without an answer after two intervals, and ignores its late answer', async () => {
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    hub.beforeMerge = () => pendingSync.promise;
    const first = replica.heartbeat(ANNA);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await first;
    await runtime.advance(ABANDON_MS - SYNC_WAIT_MAX_MS - 1);
    await replica.heartbeatAtOnce();
    expect(replica.reports).toHaveLength(0);
    await runtime.advance(1);
    await replica.heartbeatAtOnce();
    expect(replica.reports).toHaveLength(1);
    pendingSync.resolve(DONE);
    await settle();
    expect(replica.health().lastSyncAgeMs).toBeNull();
    hub.beforeMerge = () => Promise.resolve(DONE);
    await runtime.advance(1_000);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
    expect(replica.health()).toEqual({ hub: 'kv', lastSyncAgeMs: 0, trouble: undefined });
  });

  it('a replica does not report the late failure of an abandoned sync', async () => {
    await replica.heartbeatAtOnce();
    const pendingSync = Promise.withResolvers<SyncOutcome>();
    await runtime.advance(10_000);
    hub.beforeMerge = () => pendingSync.promise;
    await replica.heartbeatAtOnce();
    hub.beforeMerge = () => Promise.resolve(DONE);
    await runtime.advance(ABANDON_MS + 1_000);
    await replica.heartbeatAtOnce();
    pendingSync.reject(new Error('KV is unavailable'));
    await settle();
    expect(replica.health().trouble).toBeUndefined();
    expect(replica.reports).toHaveLength(1);
  });
});
