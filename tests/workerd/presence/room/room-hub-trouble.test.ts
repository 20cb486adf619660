import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFERRED_MAX_MS, SYNC_WAIT_MAX_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { SyncedReplica } from '../../../support/synced-replica';
import type { TroubledRoom } from '../../../support/troubled-room';
import { RoomSite, TIMING } from './room-site';

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
  it('is told what changed during a call', async () => {
    room.trouble = 'hangs';
    const first = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    await first;
    await here.store.countHeartbeat(ANNA, 'release', () => undefined);
    room.trouble = undefined;
    room.letGo();
    await here.idle();
    await site.pass();
    expect((await there.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('changes nothing by a late answer, though that told of everybody', async () => {
    const countHere = async () => (await here.store.presence(() => undefined)).count;
    await there.heartbeat(BEN);
    room.trouble = 'hangs';
    const first = countHere();
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect(await first).toBe(0);
    room.trouble = undefined;
    await runtime.advance(DEFERRED_MAX_MS);
    await countHere();
    // Its next call is answered, and Ben has ended.
    await runtime.advance(2 * TIMING.syncIntervalMs);
    expect(await countHere()).toBe(0);
    room.letGo();
    await here.idle();
    expect(await countHere()).toBe(0);
  });

  it('is asked for everybody by a replica that has heard nothing for a TTL', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    expect(room.lastReport?.known).toBeDefined();
    await runtime.advance(TIMING.ttlMs);
    await here.presence();
    expect(room.lastReport?.known).toBeUndefined();
  });

  it('is told nothing by a leave of somebody who left elsewhere just before', async () => {
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

  it('that loses its answer is told again, and counts nobody twice', async () => {
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

  it('is told of a last leave though no request follows, when its call had failed', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    room.trouble = 'is away';
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

  it('that is away is told of a leave when it is back', async () => {
    await here.heartbeat(ANNA);
    await site.pass();
    room.trouble = 'is away';
    await here.leave(ANNA);
    await site.pass(5_000);
    expect(await here.count()).toBe(0);
    expect(await there.count()).toBe(1);
    room.trouble = undefined;
    await site.pass(5_000);
    await site.pass();
    expect(await there.count()).toBe(0);
  });

  it('that hangs fails no request, and its late answer changes nothing', async () => {
    await there.heartbeat(BEN);
    await site.pass();
    await site.pass();
    room.trouble = 'hangs';
    await runtime.advance(5_000);
    const answer = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect((await answer).count).toBe(2);
    room.trouble = undefined;
    await runtime.advance(DEFERRED_MAX_MS);
    // Ben has gone meanwhile. The answer that comes late still counts him.
    const other = here.store.countHeartbeat(ANNA, 'presence', () => undefined);
    await runtime.advance(SYNC_WAIT_MAX_MS);
    expect((await other).count).toBe(1);
    room.letGo();
    await here.idle();
    expect(await here.count()).toBe(1);
    await site.pass();
    expect(await there.count()).toBe(1);
  });

  it('is believed for a TTL, and then no more', async () => {
    await there.heartbeat(BEN);
    await site.pass();
    room.trouble = 'is away';
    await runtime.advance(TIMING.ttlMs - 1);
    expect(await here.count()).toBe(1);
    await runtime.advance(1);
    expect(await here.count()).toBe(0);
  });
});
