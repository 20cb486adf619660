import { beforeEach, describe, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { FakeRuntime, START, settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';
import { DONE, fail, never, REFUSED, ScriptedHub } from './scripted-hub';
import { WaitingReplica } from './waiting-replica';

const ANNA = sessionId(1);

let runtime: FakeRuntime;
let hub: ScriptedHub;
let replica: WaitingReplica;
beforeEach(() => {
  runtime = new FakeRuntime();
  hub = new ScriptedHub(runtime);
  replica = new WaitingReplica(hub, runtime);
});

describe('a warm replica', () => {
  it('a warm replica answers 1,000 heartbeats between two syncs without a call to the hub', async () => {
    await replica.heartbeatAtOnce();
    for (let n = 0; n < 1_000; n += 1) await replica.heartbeatAtOnce(sessionId(n));
    expect(hub.syncs).toBe(1);
  });

  it('an answer counts own sessions and other locations, and has the time of the clock', async () => {
    hub.otherLocationCounts = { gratitude: 3, presence: 4, release: 0, connection: 1 };
    await replica.heartbeat(ANNA, 'release');
    expect(await replica.presence()).toEqual({
      count: 9,
      moods: { gratitude: 3, presence: 4, release: 1, connection: 1 },
      timestamp: START,
    });
  });

  it('a session expires exactly a TTL after its heartbeat', async () => {
    await replica.heartbeat(ANNA);
    await runtime.advance(29_999);
    expect((await replica.presence()).count).toBe(1);
    await runtime.advance(1);
    expect((await replica.presence()).count).toBe(0);
  });

  it('a session that moves here from another replica counts once', async () => {
    hub.stored.set(ANNA, { mood: 'presence', lastSeen: START - 1_000 });
    expect((await replica.presence()).count).toBe(1);
    expect((await replica.heartbeat(ANNA, 'release')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
  });
});

describe('trouble of the hub', () => {
  it('a failing hub fails no request, and no request waits before the next attempt is due', async () => {
    hub.beforeMerge = fail;
    expect((await replica.heartbeatAtOnce()).count).toBe(1);
    hub.beforeMerge = never;
    await runtime.advance(999);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(1);
  });

  it('a failing hub gets its next syncs after 1, 2, 4 and 8 s, and then once an interval', async () => {
    hub.beforeMerge = fail;
    await replica.heartbeatAtOnce();
    for (const waitMs of [1, 2, 4, 8, 10, 10].map((s) => s * 1_000)) {
      const before = hub.syncs;
      await runtime.advance(waitMs - 1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(before);
      await runtime.advance(1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(before + 1);
    }
    hub.beforeMerge = () => Promise.resolve(DONE);
    await runtime.advance(10_000);
    await replica.heartbeatAtOnce();
    expect(replica.health().trouble).toBeUndefined();
    hub.beforeMerge = fail;
    await runtime.advance(10_000);
    await replica.heartbeatAtOnce();
    await settle();
    await runtime.advance(1_000);
    const before = hub.syncs;
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(before + 1);
  });

  it.each([
    [0, 1_000],
    [0.5, 2_000],
    [1, 3_000],
  ])(
    'the sync after a refused write is due after 1 to 3 s: random number %d, %d ms',
    async (randomNumber, waitMs) => {
      runtime.randomNumber = randomNumber;
      hub.beforeMerge = () => Promise.resolve(REFUSED);
      await replica.heartbeatAtOnce();
      expect(replica.health().trouble).toBeUndefined();
      await runtime.advance(waitMs - 1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(1);
      await runtime.advance(1);
      await replica.heartbeatAtOnce();
      expect(hub.syncs).toBe(2);
    },
  );

  it('the health shows trouble when the hub has refused all writes for 70 s', async () => {
    hub.beforeMerge = () => Promise.resolve(REFUSED);
    for (let seconds = 0; seconds < 70; seconds += 5) {
      await replica.heartbeatAtOnce();
      expect(replica.health().trouble).toBe(undefined);
      await runtime.advance(5_000);
    }
    await replica.heartbeatAtOnce();
    expect(replica.health().trouble).toBe('sync-failed');
    expect(replica.reports).toEqual([expect.stringContaining('the hub refuses all writes')]);
    hub.beforeMerge = () => Promise.resolve(DONE);
    await runtime.advance(5_000);
    await replica.heartbeatAtOnce();
    expect(replica.health().trouble).toBeUndefined();
  });

  it('the health shows a failing hub, and the age of the last successful sync', async () => {
    expect(replica.health()).toEqual({ hub: 'kv', lastSyncAgeMs: null, trouble: undefined });
    await replica.heartbeatAtOnce();
    await runtime.advance(10_000);
    hub.beforeMerge = fail;
    await replica.heartbeatAtOnce();
    await settle();
    expect(replica.health()).toEqual({ hub: 'kv', lastSyncAgeMs: 10_000, trouble: 'sync-failed' });
  });
});
