import { describe, expect, it, vi } from 'vitest';
import {
  ROOM_CHANGES_MAX,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SESSIONS_MAX,
  ROOM_TOMBSTONES_MAX,
} from '../../../src/limits';
import { RoomSessions } from '../../../src/presence/room/room-sessions';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { sessionId } from '../../support/session-id';
import { expire, noSockets, record } from '../presence/room/records';
import { TTL } from '../presence/room/room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

describe('a full room', () => {
  /** Returns a room with `free` places. */
  function fullRoom(free = 0): RoomSessions {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_SESSIONS_MAX - free; n += 1)
      room.merge(`${n}`, record('presence', 1_000), 1_000);
    return room;
  }

  it('a full room refuses a new session by sync and by socket, and applies heartbeats of present sessions', () => {
    const room = fullRoom(1);
    expect(room.isFull).toBe(false);
    expect(room.merge(ANNA, record('presence', 1_000), 1_000)).toBe('applied');
    expect(room.isFull).toBe(true);
    const changes = room.changeCount;
    expect(room.merge(BEN, record('presence', 1_000), 1_000)).toBe('full');
    expect(room.heartbeat(BEN, 'presence', 1_000)).toBeUndefined();
    expect(room.get(BEN)).toBeUndefined();
    expect(room.counts.presence).toBe(ROOM_SESSIONS_MAX);
    expect(room.changeCount).toBe(changes);
    expect(room.merge(ANNA, record('release', 2_000), 2_000)).toBe('applied');
    expect(room.heartbeat(ANNA, 'gratitude', 2_000)).toBe(2_001);
    expect(room.counts.gratitude).toBe(1);
  });

  it('a full room refuses a session that left, keeps its tombstone, and accepts it when a place is free', () => {
    const room = fullRoom();
    room.merge(ANNA, record(null, 1_000), 1_000);
    expect(room.merge(ANNA, record('presence', 1_500), 1_500)).toBe('full');
    expect(room.get(ANNA)).toMatchObject(record(null, 1_000));
    room.leave('0', 1_500);
    expect(room.merge(ANNA, record('presence', 1_500), 1_500)).toBe('applied');
    expect(room.isFull).toBe(true);
  });

  it('a room accepts a new session however many sessions have left', () => {
    const room = new RoomSessions(TTL, 0);
    // In version 1.0 200 sockets that changed their ids filled a room with tombstones.
    for (let n = 0; n < 238_000; n += 1) {
      room.heartbeat(`${n}`, 'presence', 0);
      room.leave(`${n}`, 0);
    }
    expect(room.counts).toEqual(ZERO_COUNTS);
    expect(room.merge(ANNA, record('presence', 1_000), 1_000)).toBe('applied');
    expect(room.heartbeat(BEN, 'presence', 1_000)).toBe(1_000);
  });
});

describe('the tombstones of a room', () => {
  const EIGHTH = ROOM_TOMBSTONES_MAX / 8;
  const leave = (room: RoomSessions, n: number, at: number) => room.merge(`${n}`, record(null, at), at);

  it('a room that has too many tombstones drops the oldest eighth', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_TOMBSTONES_MAX; n += 1) leave(room, n, 1_000);
    expect([...room]).toHaveLength(ROOM_TOMBSTONES_MAX);
    for (let n = 0; n < 10; n += 1) leave(room, ROOM_TOMBSTONES_MAX + n, 1_000);
    expect([...room]).toHaveLength(ROOM_TOMBSTONES_MAX - EIGHTH + 10);
    expect(room.get(`${EIGHTH - 1}`)).toBeUndefined();
    expect(room.get(`${EIGHTH}`)).toMatchObject(record(null, 1_000));
    expect(room.get(`${ROOM_TOMBSTONES_MAX + 9}`)).toMatchObject(record(null, 1_000));
    // An older record restores a session only if its tombstone was dropped.
    expect(room.merge(`${EIGHTH - 1}`, record('presence', 500), 1_000)).toBe('applied');
    expect(room.merge(`${EIGHTH}`, record('presence', 500), 1_000)).toBe('outdated');
  });

  it('the tombstone of a session that started and left again is the newest one', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_TOMBSTONES_MAX; n += 1) leave(room, n, 1_000);
    room.heartbeat('0', 'presence', 2_000);
    room.leave('0', 2_000);
    leave(room, ROOM_TOMBSTONES_MAX, 2_000);
    expect(room.get('0')?.mood).toBeNull();
    expect(room.get('1')).toBeUndefined();
  });

  it('tombstones expire also behind that of a session that started again', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < 3; n += 1) leave(room, n, 1_000);
    room.heartbeat('0', 'presence', 2_000);
    expire(room, 1_000 + TTL);
    expect([...room]).toMatchObject([['0', record('presence', 2_000)]]);
  });
});

describe('the collections of a room', () => {
  /** Checks that the room keeps a bounded number of changes, and that its timing wheel holds each present session once. */
  function expectBounded(room: RoomSessions, now: number): void {
    expect(room.changesSince(room.changeCount - ROOM_CHANGES_MAX - 1)).toBeUndefined();
    const present = room.present.size;
    const inWheel = vi.fn(noSockets);
    expire(room, now + 600_000 + ROOM_EXPIRY_STEP_MS, inWheel);
    expect(inWheel).toHaveBeenCalledTimes(present);
    expect([...room]).toEqual([]);
  }

  it('a session that starts and leaves a million times adds a bounded number of entries', () => {
    const room = new RoomSessions(600_000, 0);
    for (let n = 0; n < 1_000_000; n += 1) {
      room.heartbeat(ANNA, 'presence', n);
      room.leave(ANNA, n);
    }
    expect([...room]).toHaveLength(1);
    expectBounded(room, 1_000_000);
  });

  it('any updates by sync and by socket add a bounded number of entries', () => {
    const room = new RoomSessions(600_000, 0);
    for (let n = 0; n < 4 * ROOM_SESSIONS_MAX; n += 1) {
      room.heartbeat(`socket ${n}`, 'presence', n);
      room.merge(`sync ${n}`, record('presence', n), n);
      if (n % 2 === 0) room.leave(`socket ${n}`, n);
      if (n % 3 === 0) room.merge(`sync ${n}`, record(null, n + 1), n);
    }
    expect(room.isFull).toBe(true);
    expect([...room].length).toBeLessThanOrEqual(ROOM_SESSIONS_MAX + ROOM_TOMBSTONES_MAX);
    expectBounded(room, 4 * ROOM_SESSIONS_MAX);
  }, 60_000);
});
