import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYNC_ABANDON_MS, SYNC_WAIT_MAX_MS } from '../../src/limits';
import { RoomHub } from '../../src/presence/room-hub';
import { ROOM_NAME } from '../../src/presence/room-protocol';
import { NOBODY } from '../../src/presence/session';
import { roomTiming } from '../../src/presence/timing';
import { FakeWorld } from '../fake-world';
import { Replica } from '../replica';
import { sessionId } from '../session-id';
import { TroubledRoom } from './troubled-room';

const TIMING = roomTiming(30_000, 1_000);
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let world: FakeWorld;
let room: TroubledRoom;
let here: Replica;
let there: Replica;

const join = (by = room) =>
  new Replica(new RoomHub({ room: () => by, timing: TIMING, world }), TIMING, world);
const stub = () => env.PRESENCE_ROOM.getByName(ROOM_NAME);

beforeEach(async () => {
  await reset();
  vi.useFakeTimers({ toFake: ['Date'] });
  world = new FakeWorld();
  world.onTick = (now) => void vi.setSystemTime(now);
  room = new TroubledRoom(stub);
  here = join();
  // The other one's calls are not counted and do not fail.
  there = join(new TroubledRoom(stub));
});
afterEach(() => void vi.useRealTimers());

async function pass(ms = TIMING.syncIntervalMs): Promise<void> {
  await world.advance(ms);
  await here.presence();
  await there.presence();
}

describe('a sync with the room', () => {
  it('tells what has changed, not who is here', async () => {
    for (let n = 0; n < 1_000; n += 1) await here.heartbeat(sessionId(n));
    await pass();
    await pass();
    expect(room.lastReport?.heard.size).toBe(0);
    await here.heartbeat(ANNA, 'release');
    await here.leave(BEN);
    await pass();
    expect(room.lastReport?.heard).toEqual(
      new Map([
        [ANNA, { mood: 'release', lastSeen: expect.any(Number) }],
        [BEN, { mood: null, lastSeen: expect.any(Number) }],
      ]),
    );
  });

  it('is one call a second, whatever is asked of the replica', async () => {
    for (let second = 0; second < 10; second += 1) {
      for (let n = 0; n < 100; n += 1) {
        await world.advance(10);
        await here.heartbeat(sessionId(n));
      }
    }
    expect(room.calls).toBeLessThanOrEqual(11);
  });

  it('follows a last heartbeat, and a last leave, though no other request comes', async () => {
    await here.presence();
    await there.presence();
    await here.heartbeat(ANNA);
    await world.advance(TIMING.syncIntervalMs);
    await here.idle();
    await pass();
    expect(await there.count()).toBe(1);
    await here.leave(ANNA);
    await world.advance(TIMING.syncIntervalMs);
    await here.idle();
    await pass();
    await there.presence();
    expect(await there.count()).toBe(0);
  });

  it('asks for who expires here, so that nobody goes missing who went to another isolate', async () => {
    await here.heartbeat(ANNA);
    for (let second = 0; second < 60; second += 1) {
      await pass();
      if (second % 10 === 5) await there.heartbeat(ANNA);
      if (second > 2) expect(await here.count()).toBe(1);
    }
  });
});

describe('a session that expires here', () => {
  it.each([
    ['at the time of a sync', 1],
    ['between two', 251],
  ])(
    'is asked for so early that a slow answer has come by then, and no more when it is over: %s',
    async (_when, ms) => {
      await here.heartbeat(ANNA);
      await pass();
      await world.advance(TIMING.ttlMs - 2 * TIMING.syncIntervalMs - SYNC_WAIT_MAX_MS - 1_001);
      await here.presence();
      expect(room.lastReport?.heard.has(ANNA)).toBe(false);
      await pass(TIMING.syncIntervalMs + ms);
      expect(room.lastReport?.heard.has(ANNA)).toBe(true);
      for (let quarter = 0; quarter < 20; quarter += 1) await pass(250);
      expect(here.reports).toEqual([]);
      expect(await here.count()).toBe(0);
      expect(room.lastReport?.heard.size).toBe(0);
    },
  );

  it('is asked for until the room says that it is over, for another replica may tell of it at the last moment', async () => {
    // The room sees a session end up to 250 ms after its time. Between the two it is over here and not yet there.
    await world.advance(1);
    await here.heartbeat(ANNA);
    await world.advance(29_100);
    await here.presence();
    await world.advance(50);
    await there.presence();
    await world.advance(750);
    await there.heartbeat(ANNA);
    await world.advance(100);
    expect(await here.count()).toBe(0);
    await world.advance(100);
    await here.presence();
    // Only now the other one tells of the heartbeat.
    await world.advance(50);
    await there.idle();
    await world.advance(1_000);
    await here.presence();
    expect(await here.count()).toBe(1);
    await world.advance(1_000);
    await here.presence();
    expect(room.lastReport?.heard.size).toBe(0);
  });
});

describe('a room that has lost everything', () => {
  it('is told again by each replica whom it holds, and who has left there', async () => {
    await here.heartbeat(ANNA, 'gratitude');
    await there.heartbeat(BEN);
    await pass();
    await world.advance(1_000);
    // The other one has not heard of this leave when the room loses it.
    await here.leave(BEN);
    await reset();
    await world.advance(1_000);
    await there.presence();
    await here.presence();
    // One sync was enough.
    const fresh = join(new TroubledRoom(stub));
    expect((await fresh.presence()).moods).toEqual({ ...NOBODY, gratitude: 1 });
    for (let second = 0; second < 2; second += 1) await pass();
    const expected = { ...NOBODY, gratitude: 1 };
    expect((await here.presence()).moods).toEqual(expected);
    expect((await there.presence()).moods).toEqual(expected);
  });

  it('has nobody, when nobody is left who could tell', async () => {
    await there.heartbeat(BEN);
    await pass();
    await pass();
    expect(await here.count()).toBe(1);
    await reset();
    room.calls = 0;
    await world.advance(TIMING.syncIntervalMs);
    await here.presence();
    expect(await here.count()).toBe(0);
    expect(room.calls).toBe(1);
  });
});

describe('a room in trouble', () => {
  it('is told what changed during a call', async () => {
    room.trouble = 'hangs';
    const first = here.store.heartbeat(ANNA, 'presence', () => undefined);
    await world.advance(SYNC_WAIT_MAX_MS);
    await first;
    await here.store.heartbeat(ANNA, 'release', () => undefined);
    room.trouble = undefined;
    room.letGo();
    await here.idle();
    await pass();
    expect((await there.presence()).moods).toEqual({ ...NOBODY, release: 1 });
  });

  it('changes nothing by a late answer, though that told of everybody', async () => {
    const countHere = async () => (await here.store.presence(() => undefined)).count;
    await there.heartbeat(BEN);
    room.trouble = 'hangs';
    const first = countHere();
    await world.advance(SYNC_WAIT_MAX_MS);
    expect(await first).toBe(0);
    room.trouble = undefined;
    await world.advance(SYNC_ABANDON_MS);
    await countHere();
    // Its next call is answered, and Ben has ended.
    await world.advance(2 * TIMING.syncIntervalMs);
    expect(await countHere()).toBe(0);
    room.letGo();
    await here.idle();
    expect(await countHere()).toBe(0);
  });

  it('is asked for everybody by a replica that has heard nothing for a TTL', async () => {
    await here.heartbeat(ANNA);
    await pass();
    expect(room.lastReport?.known).toBeDefined();
    await world.advance(TIMING.ttlMs);
    await here.presence();
    expect(room.lastReport?.known).toBeUndefined();
  });

  it('is told nothing by a leave of somebody who left elsewhere just before', async () => {
    await here.heartbeat(ANNA);
    await pass();
    await here.leave(ANNA);
    await pass();
    const other = new TroubledRoom(stub);
    const late = join(other);
    await there.leave(ANNA);
    await late.presence();
    await pass();
    expect(there.store.health().status).toBe('ok');
    expect(there.reports).toEqual([]);
    expect(await there.count()).toBe(0);
  });

  it('that loses its answer is told again, and counts nobody twice', async () => {
    room.trouble = 'loses its answer';
    await here.heartbeat(ANNA);
    await pass();
    expect(await there.count()).toBe(1);
    expect(await here.count()).toBe(1);
    room.trouble = undefined;
    await pass();
    expect(room.lastReport?.heard.has(ANNA)).toBe(true);
    expect(await here.count()).toBe(1);
    expect(await there.count()).toBe(1);
    await pass();
    expect(room.lastReport?.heard.has(ANNA)).toBe(false);
  });

  it('is told of a last leave though no request follows, when its call had failed', async () => {
    await here.heartbeat(ANNA);
    await pass();
    room.trouble = 'is away';
    await here.leave(ANNA);
    await world.advance(1_000);
    await here.idle();
    room.trouble = undefined;
    for (let second = 0; second < 3; second += 1) {
      await world.advance(1_000);
      await here.idle();
    }
    await there.presence();
    await world.advance(1_000);
    await there.presence();
    expect(await there.count()).toBe(0);
  });

  it('that is away is told of a leave when it is back', async () => {
    await here.heartbeat(ANNA);
    await pass();
    room.trouble = 'is away';
    await here.leave(ANNA);
    await pass(5_000);
    expect(await here.count()).toBe(0);
    expect(await there.count()).toBe(1);
    room.trouble = undefined;
    await pass(5_000);
    await pass();
    expect(await there.count()).toBe(0);
  });

  it('that hangs fails no request, and its late answer changes nothing', async () => {
    await there.heartbeat(BEN);
    await pass();
    await pass();
    room.trouble = 'hangs';
    await world.advance(5_000);
    const answer = here.store.heartbeat(ANNA, 'presence', () => undefined);
    await world.advance(SYNC_WAIT_MAX_MS);
    expect((await answer).count).toBe(2);
    room.trouble = undefined;
    await world.advance(SYNC_ABANDON_MS);
    // Ben has gone meanwhile. The answer that comes late still counts him.
    const other = here.store.heartbeat(ANNA, 'presence', () => undefined);
    await world.advance(SYNC_WAIT_MAX_MS);
    expect((await other).count).toBe(1);
    room.letGo();
    await here.idle();
    expect(await here.count()).toBe(1);
    await pass();
    expect(await there.count()).toBe(1);
  });

  it('is believed for a TTL, and then no more', async () => {
    await there.heartbeat(BEN);
    await pass();
    room.trouble = 'is away';
    await world.advance(TIMING.ttlMs - 1);
    expect(await here.count()).toBe(1);
    await world.advance(1);
    expect(await here.count()).toBe(0);
  });
});
