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

describe('what comes between two syncs that are frequent', () => {
  const FREQUENT = roomTiming(30_000, 1_000);
  beforeEach(async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.presence();
    replica.deferred.length = 0;
  });

  /** Ten seconds without a request. */
  async function silence(): Promise<void> {
    for (let tenth = 0; tenth < 100; tenth += 1) await runtime.advance(100);
  }

  it('is told at the next one, once and not before', async () => {
    await replica.heartbeatAtOnce();
    await runtime.advance(999);
    expect(hub.syncs).toBe(1);
    await runtime.advance(1);
    expect(hub.syncs).toBe(2);
    await silence();
    expect(hub.syncs).toBe(2);
  });

  it('is not told by a sync of its own where a request starts one', async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('keeps one task alive, however many requests there are', async () => {
    for (let n = 0; n < 100; n += 1) await replica.heartbeatAtOnce(sessionId(n));
    expect(replica.deferred).toHaveLength(1);
  });

  it('is nothing where a leave is of somebody unknown', async () => {
    await replica.leave(ANNA);
    await silence();
    expect(hub.syncs).toBe(1);
  });

  it('keeps no request waiting while it is told', async () => {
    await replica.heartbeatAtOnce();
    hub.next = never;
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    await replica.heartbeatAtOnce();
  });

  it('is waited for no longer than the platform waits, and never in vain', async () => {
    const sleeps: number[] = [];
    const sleep = (ms: number) => {
      sleeps.push(ms);
      return runtime.sleep(ms);
    };
    replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep }, FREQUENT);
    await replica.heartbeatAtOnce();
    await replica.heartbeatAtOnce(BEN);
    hub.next = never;
    await silence();
    await replica.presence();
    expect(Math.min(...sleeps)).toBeGreaterThan(0);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(DEFERRED_MAX_MS);
  });

  it('is told again where the hub refused it, with no request more', async () => {
    await replica.heartbeatAtOnce();
    hub.next = () => Promise.resolve(REFUSED);
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    hub.next = () => Promise.resolve(DONE);
    await silence();
    expect(hub.syncs).toBe(3);
  });

  it('is given up where the hub fails for so long that the platform ends the work', async () => {
    await replica.heartbeatAtOnce();
    hub.next = fail;
    for (let round = 0; round < 3; round += 1) await silence();
    const { syncs } = hub;
    expect(syncs).toBeGreaterThan(20);
    await silence();
    expect(hub.syncs).toBe(syncs);
  });

  it('starts no sync in the last 5 s of its deferred task, which the platform ends', async () => {
    await replica.heartbeatAtOnce();
    const begunAt = runtime.now();
    let lastAt = begunAt;
    hub.next = () => {
      lastAt = runtime.now();
      return fail();
    };
    for (let round = 0; round < 4; round += 1) await silence();
    expect(lastAt - begunAt).toBeGreaterThan(FLUSH_MAX_MS - 2_000);
    expect(lastAt - begunAt).toBeLessThanOrEqual(FLUSH_MAX_MS);
  });

  it('is sent by the next request where the request before it was ended with its deferred task', async () => {
    let isEnded = false;
    const sleep = (ms: number) => {
      const waking = runtime.sleep(ms);
      return isEnded ? never() : waking;
    };
    replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep }, FREQUENT);
    await replica.presence();
    isEnded = true;
    await replica.heartbeatAtOnce();
    isEnded = false;
    for (let tenth = 0; tenth < 21; tenth += 1) await runtime.advance(100);
    // A sync is due, so this request starts it. The change after it finds no publisher at work.
    await replica.heartbeatAtOnce(BEN);
    await runtime.advance(100);
    await replica.heartbeatAtOnce();
    const { syncs } = hub;
    await silence();
    expect(hub.syncs).toBe(syncs + 1);
  });

  it('is sent within two intervals though an earlier sync never ends', async () => {
    hub.next = never;
    await runtime.advance(1_000);
    await replica.presence();
    expect(hub.syncs).toBe(2);
    hub.next = () => Promise.resolve(DONE);
    await replica.heartbeatAtOnce();
    await runtime.advance(4_999 - 1_000);
    expect(hub.syncs).toBe(2);
    for (let tenth = 0; tenth < 25; tenth += 1) await runtime.advance(100);
    expect(hub.syncs).toBe(3);
  });

  it('is sent too where it comes when the deferred task before it is near its end', async () => {
    hub.next = fail;
    await replica.heartbeatAtOnce();
    for (let tenth = 0; tenth < 245; tenth += 1) await runtime.advance(100);
    await replica.heartbeatAtOnce(BEN);
    hub.next = () => Promise.resolve(DONE);
    const { syncs } = hub;
    await silence();
    expect(hub.syncs).toBe(syncs + 1);
    await replica.presence();
    expect(replica.health().trouble).toBeUndefined();
  });

  it.each([
    ['on KV', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS), 2],
    ['not on KV', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS + 1), 1],
    ['with the room', roomTiming(30_000, 7_000), 2],
    ['with the room, before the platform ends its task,', roomTiming(600_000, 60_000), 2],
  ])('is sent without a further request %s', async (_where, timing, syncs) => {
    hub = new ScriptedHub(runtime);
    replica = new WaitingReplica(hub, runtime, timing);
    await replica.presence();
    await replica.heartbeatAtOnce();
    for (let round = 0; round < 3; round += 1) await silence();
    expect(hub.syncs).toBe(syncs);
  });
});
