import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYNC_WAIT_MAX_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
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

describe('a room in trouble', () => {
  it('a mood that changes during a hanging call reaches the room with the next call', async () => {
    room.trouble = 'hangs';
    const first = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await first;
    await here.store.countHeartbeat(ANNA, 'release', () => undefined);
    room.trouble = undefined;
    room.deliverAnswers();
    await here.idle();
    await site.pass();
    expect((await there.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a late snapshot from an abandoned call changes no count', async () => {
    const countHere = async () => (await here.store.presence(() => undefined)).count;
    await there.heartbeat(BEN);
    room.trouble = 'hangs';
    const first = countHere();
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect(await first).toBe(0);
    room.trouble = undefined;
    await there.leave(BEN);
    await runtime.advance(TIMING.abandonMs);
    await there.presence();
    expect(await countHere()).toBe(0);
    expect(room.calls).toBe(2);
    room.deliverAnswers();
    await here.idle();
    expect(await countHere()).toBe(0);
  });

  it('a replica without an answer for a TTL requests a snapshot', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    expect(room.lastReport?.known).toBeDefined();
    await runtime.advance(TIMING.ttlMs);
    await here.presence();
    expect(room.lastReport?.known).toBeUndefined();
  });

  it('a leave for a session that left at another replica a second before causes no trouble', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    await here.leave(ANNA);
    await site.pass();
    const late = site.join();
    await there.leave(ANNA);
    await late.presence();
    await site.pass();
    expect(there.store.health().trouble).toBeUndefined();
    expect(there.reports).toEqual([]);
    expect(await there.count()).toBe(0);
  });

  it('a replica sends its changes again after a lost answer, and each session counts once', async () => {
    room.trouble = 'loses its answer';
    await here.heartbeat(ANNA);
    await site.pass();
    expect(await there.count()).toBe(1);
    expect(await here.count()).toBe(1);
    room.trouble = undefined;
    await site.pass();
    expect(room.lastReport?.heard.has(ANNA)).toBe(true);
    expect(await here.count()).toBe(1);
    expect(await there.count()).toBe(1);
    await site.pass();
    expect(room.lastReport?.heard.has(ANNA)).toBe(false);
  });

  it('a last leave whose call failed reaches the room without a further request', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    room.trouble = 'throws';
    await here.leave(ANNA);
    await runtime.advance(1_000);
    await here.idle();
    room.trouble = undefined;
    for (let second = 0; second < 3; second += 1) {
      await runtime.advance(1_000);
      await here.idle();
    }
    await there.presence();
    await runtime.advance(1_000);
    await there.presence();
    expect(await there.count()).toBe(0);
  });

  it('a leave during an outage of the room reaches the room after the outage', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    room.trouble = 'throws';
    await here.leave(ANNA);
    await site.pass(5_000);
    expect(await here.count()).toBe(0);
    expect(await there.count()).toBe(1);
    room.trouble = undefined;
    await site.pass(5_000);
    await site.pass();
    expect(await there.count()).toBe(0);
  });

  it('a hanging room fails no request, and its late answer changes no count', async () => {
    await site.pass();
    await there.heartbeat(BEN);
    await runtime.advance(TIMING.syncIntervalMs);
    await there.presence();
    room.trouble = 'hangs';
    const answer = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect((await answer).count).toBe(1);
    room.trouble = undefined;
    await there.leave(BEN);
    await runtime.advance(TIMING.abandonMs);
    await there.presence();
    const other = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect((await other).count).toBe(1);
    // The late answer still contains the session of BEN.
    room.deliverAnswers();
    await here.idle();
    expect(await here.count()).toBe(1);
    await site.pass();
    expect(await there.count()).toBe(1);
  });

  it('remote sessions count for a TTL after the last answer of the room', async () => {
    await there.heartbeat(BEN);
    await site.pass();
    room.trouble = 'throws';
    await runtime.advance(TIMING.ttlMs - 1);
    expect(await here.count()).toBe(1);
    await runtime.advance(1);
    expect(await here.count()).toBe(0);
  });
});
