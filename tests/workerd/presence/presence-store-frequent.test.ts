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

describe('a change between two frequent syncs', () => {
  const FREQUENT = roomTiming(30_000, 1_000);
  beforeEach(async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.presence();
    replica.deferred.length = 0;
  });

  /** Ten seconds without a request. */
  async function tenSecondsPass(): Promise<void> {
    for (let tenth = 0; tenth < 100; tenth += 1) await runtime.advance(100);
  }

  it('the next sync sends a change, once and not before', async () => {
    await replica.heartbeatAtOnce();
    await runtime.advance(999);
    expect(hub.syncs).toBe(1);
    await runtime.advance(1);
    expect(hub.syncs).toBe(2);
    await tenSecondsPass();
    expect(hub.syncs).toBe(2);
  });

  it('a change starts no sync of its own if a request starts one', async () => {
    replica = new WaitingReplica(hub, runtime, FREQUENT);
    await replica.heartbeatAtOnce();
    expect(hub.syncs).toBe(2);
  });

  it('any number of requests keeps one deferred task alive', async () => {
    for (let n = 0; n < 100; n += 1) await replica.heartbeatAtOnce(sessionId(n));
    expect(replica.deferred).toHaveLength(1);
  });

  it('a leave of an unknown session is no change', async () => {
    await replica.leave(ANNA);
    await tenSecondsPass();
    expect(hub.syncs).toBe(1);
  });

  it('no request waits while a sync sends a change', async () => {
    await replica.heartbeatAtOnce();
    hub.next = never;
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    await replica.heartbeatAtOnce();
  });

  it('a deferred task runs no longer than the platform allows, and sends the last change', async () => {
    const sleeps: number[] = [];
    const sleep = (ms: number) => {
      sleeps.push(ms);
      return runtime.sleep(ms);
    };
    replica = new WaitingReplica(hub, { now: runtime.now, random: runtime.random, sleep }, FREQUENT);
    await replica.heartbeatAtOnce();
    await replica.heartbeatAtOnce(BEN);
    hub.next = never;
    await tenSecondsPass();
    await replica.presence();
    expect(Math.min(...sleeps)).toBeGreaterThan(0);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(DEFERRED_MAX_MS);
  });

  it('a refused change is sent again without another request', async () => {
    await replica.heartbeatAtOnce();
    hub.next = () => Promise.resolve(REFUSED);
    await runtime.advance(1_000);
    expect(hub.syncs).toBe(2);
    hub.next = () => Promise.resolve(DONE);
    await tenSecondsPass();
    expect(hub.syncs).toBe(3);
  });

  it('a deferred task ends when the hub fails until the platform would end it', async () => {
    await replica.heartbeatAtOnce();
    hub.next = fail;
    for (let round = 0; round < 3; round += 1) await tenSecondsPass();
    const { syncs } = hub;
    expect(syncs).toBeGreaterThan(20);
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs);
  });

  it('a deferred task starts no sync in its last 5 s', async () => {
    await replica.heartbeatAtOnce();
    const begunAt = runtime.now();
    let lastAt = begunAt;
    hub.next = () => {
      lastAt = runtime.now();
      return fail();
    };
    for (let round = 0; round < 4; round += 1) await tenSecondsPass();
    expect(lastAt - begunAt).toBeGreaterThan(FLUSH_MAX_MS - 2_000);
    expect(lastAt - begunAt).toBeLessThanOrEqual(FLUSH_MAX_MS);
  });

  it('the next request sends a change whose deferred task has ended with its request', async () => {
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
    // A sync is due, so this request starts it. The change after it finds no flush.
    await replica.heartbeatAtOnce(BEN);
    await runtime.advance(100);
    await replica.heartbeatAtOnce();
    const { syncs } = hub;
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs + 1);
  });

  it('a change is sent within two intervals although an earlier sync never ends', async () => {
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

  it('a change that comes near the end of a deferred task is sent too', async () => {
    hub.next = fail;
    await replica.heartbeatAtOnce();
    for (let tenth = 0; tenth < 245; tenth += 1) await runtime.advance(100);
    await replica.heartbeatAtOnce(BEN);
    hub.next = () => Promise.resolve(DONE);
    const { syncs } = hub;
    await tenSecondsPass();
    expect(hub.syncs).toBe(syncs + 1);
    await replica.presence();
    expect(replica.health().trouble).toBeUndefined();
  });

  it.each([
    ['on KV', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS), 2],
    ['on KV with a longer sync interval', kvTiming(30_000, KV_FLUSH_INTERVAL_MAX_MS + 1), 1],
    ['with the room', roomTiming(30_000, 7_000), 2],
    ['with the room and a sync interval of 60 s', roomTiming(600_000, 60_000), 2],
  ])('a change is sent after so many syncs without another request: %s', async (_where, timing, syncs) => {
    hub = new ScriptedHub(runtime);
    replica = new WaitingReplica(hub, runtime, timing);
    await replica.presence();
    await replica.heartbeatAtOnce();
    for (let round = 0; round < 3; round += 1) await tenSecondsPass();
    expect(hub.syncs).toBe(syncs);
  });
});
