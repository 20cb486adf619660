import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYNC_WAIT_MAX_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { emptyStorage } from '../../../support/empty-storage';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledRoom } from '../../../support/troubled-room';
import { TIMING } from './room-replica';
import { RoomSite } from './room-site';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let site: RoomSite;
let runtime: FakeRuntime;
let room: TroubledRoom;
let here: SyncedReplica;
let there: SyncedReplica;
beforeEach(async () => {
  site = await RoomSite.open();
  ({ runtime, room, here, there } = site);
});
afterEach(() => void vi.useRealTimers());

describe('a sync with the room', () => {
  it('a sync sends only the sessions that changed', async () => {
    for (let n = 0; n < 1_000; n += 1) await here.heartbeat(sessionId(n));
    await site.pass();
    await site.pass();
    expect(room.lastReport?.heard.size).toBe(0);
    await here.heartbeat(ANNA, 'release');
    await here.leave(BEN);
    await site.pass();
    expect(room.lastReport?.heard).toEqual(
      new Map([
        [ANNA, { mood: 'release', lastSeen: expect.any(Number) }],
        [BEN, { mood: null, lastSeen: expect.any(Number) }],
      ]),
    );
  });

  it('a replica with 100 heartbeats a second calls the room once a second', async () => {
    for (let second = 0; second < 10; second += 1) {
      for (let n = 0; n < 100; n += 1) {
        await runtime.advance(10);
        await here.heartbeat(sessionId(n));
      }
    }
    expect(room.calls).toBeGreaterThanOrEqual(10);
    expect(room.calls).toBeLessThanOrEqual(11);
  });

  it('a replica sends a last heartbeat and a last leave to the room without a further request', async () => {
    await here.presence();
    await there.presence();
    await here.heartbeat(ANNA);
    await runtime.advance(TIMING.syncIntervalMs);
    await here.idle();
    await site.pass();
    expect(await there.count()).toBe(1);
    await here.leave(ANNA);
    await runtime.advance(TIMING.syncIntervalMs);
    await here.idle();
    await site.pass();
    await there.presence();
    expect(await there.count()).toBe(0);
  });

  it('a session that moved to another replica counts at its first replica without a gap', async () => {
    await here.heartbeat(ANNA);
    for (let second = 0; second < 60; second += 1) {
      await site.pass();
      if (second % 10 === 5) await there.heartbeat(ANNA);
      if (second > 2) expect(await here.count()).toBe(1);
    }
  });
});

describe('expiring own sessions', () => {
  it.each([
    ['at a sync', 1],
    ['between two syncs', 251],
  ])(
    'a replica sends a session that expires %s early enough for a slow answer, and stops after its end',
    async (_when, ms) => {
      await here.heartbeat(ANNA);
      await site.pass();
      await runtime.advance(TIMING.ttlMs - 2 * TIMING.syncIntervalMs - SYNC_WAIT_MAX_MS - 1_001);
      await here.presence();
      expect(room.lastReport?.heard.has(ANNA)).toBe(false);
      await site.pass(TIMING.syncIntervalMs + ms);
      expect(room.lastReport?.heard.has(ANNA)).toBe(true);
      for (let quarter = 0; quarter < 20; quarter += 1) await site.pass(250);
      expect(here.reports).toEqual([]);
      expect(await here.count()).toBe(0);
      expect(room.lastReport?.heard.size).toBe(0);
    },
  );

  it('a replica sends an expired session until the room ends it, and counts it after a late heartbeat elsewhere', async () => {
    // The room ends a session up to 250 ms late. In between, the session has ended at this replica and not in the room.
    await runtime.advance(1);
    await here.heartbeat(ANNA);
    await runtime.advance(29_100);
    await here.presence();
    await runtime.advance(50);
    await there.presence();
    await runtime.advance(750);
    await there.heartbeat(ANNA);
    await runtime.advance(100);
    expect(await here.count()).toBe(0);
    await runtime.advance(100);
    await here.presence();
    // Only now the other replica sends the heartbeat to the room.
    await runtime.advance(50);
    await there.idle();
    await runtime.advance(1_000);
    await here.presence();
    expect(await here.count()).toBe(1);
    await runtime.advance(1_000);
    await here.presence();
    expect(room.lastReport?.heard.size).toBe(0);
  });
});

describe('a room without its data', () => {
  it('replicas send their own sessions and their leaves again to a room that lost its data', async () => {
    await here.heartbeat(ANNA, 'gratitude');
    await there.heartbeat(BEN);
    await site.pass();
    await runtime.advance(1_000);
    // The other replica has not received this leave when the room loses it.
    await here.leave(BEN);
    await emptyStorage();
    await runtime.advance(1_000);
    await there.presence();
    await here.presence();
    // One sync of each replica was enough.
    const fresh = site.join();
    expect((await fresh.presence()).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    for (let second = 0; second < 2; second += 1) await site.pass();
    const expected = { ...ZERO_COUNTS, gratitude: 1 };
    expect((await here.presence()).moods).toEqual(expected);
    expect((await there.presence()).moods).toEqual(expected);
  });

  it('a replica drops all remote sessions with one call after the room lost its data', async () => {
    await there.heartbeat(BEN);
    await site.pass();
    await site.pass();
    expect(await here.count()).toBe(1);
    await emptyStorage();
    room.calls = 0;
    await runtime.advance(TIMING.syncIntervalMs);
    await here.presence();
    expect(await here.count()).toBe(0);
    expect(room.calls).toBe(1);
  });
});
