import { describe, expect, it } from 'vitest';
import { ROOM_NEWS_MAX, ROOM_SESSIONS_MAX, ROOM_TOMBSTONES_MAX } from '../../../src/limits';
import { RoomSessions } from '../../../src/presence/room/room-sessions';
import { type Mood, NOBODY, type SessionRecord } from '../../../src/presence/session';
import { sessionId } from '../../support/session-id';

const TTL = 30_000;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const silent = () => undefined;
const heard = (mood: Mood | null, lastSeen: number): SessionRecord => ({ mood, lastSeen });

describe('a full room', () => {
  /** A room with as many live sessions as it takes, less `free`. */
  function fullRoom(free = 0): RoomSessions {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_SESSIONS_MAX - free; n += 1) room.learn(`${n}`, heard('presence', 1_000), 1_000);
    return room;
  }

  it('refuses a new session by sync and by socket, and takes in what comes of the others', () => {
    const room = fullRoom(1);
    expect(room.isFull).toBe(false);
    expect(room.learn(ANNA, heard('presence', 1_000), 1_000)).toBe('new');
    expect(room.isFull).toBe(true);
    const changes = room.newsCount;
    expect(room.learn(BEN, heard('presence', 1_000), 1_000)).toBe('full');
    expect(room.touch(BEN, 'presence', 1_000)).toBeUndefined();
    expect(room.get(BEN)).toBeUndefined();
    expect(room.counts.presence).toBe(ROOM_SESSIONS_MAX);
    expect(room.newsCount).toBe(changes);
    expect(room.learn(ANNA, heard('release', 2_000), 2_000)).toBe('new');
    expect(room.touch(ANNA, 'gratitude', 2_000)).toBe(2_001);
    expect(room.counts.gratitude).toBe(1);
  });

  it('refuses a session that has left, keeps its tombstone, and takes the session in when there is a place', () => {
    const room = fullRoom();
    room.learn(ANNA, heard(null, 1_000), 1_000);
    expect(room.learn(ANNA, heard('presence', 1_500), 1_500)).toBe('full');
    expect(room.get(ANNA)).toEqual(heard(null, 1_000));
    room.touch('0', null, 1_500);
    expect(room.learn(ANNA, heard('presence', 1_500), 1_500)).toBe('new');
    expect(room.isFull).toBe(true);
  });

  it('has a place for a newcomer however many sessions have left', () => {
    const room = new RoomSessions(TTL, 0);
    // As 200 sockets did that changed their ids in version 1.0.
    for (let n = 0; n < 238_000; n += 1) {
      room.touch(`${n}`, 'presence', 0);
      room.touch(`${n}`, null, 0);
    }
    expect(room.counts).toEqual(NOBODY);
    expect(room.learn(ANNA, heard('presence', 1_000), 1_000)).toBe('new');
    expect(room.touch(BEN, 'presence', 1_000)).toBe(1_000);
  });
});

describe('the tombstones of a room', () => {
  const leave = (room: RoomSessions, n: number, at: number) => room.learn(`${n}`, heard(null, at), at);

  it('are at most so many, and the oldest is dropped first', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_TOMBSTONES_MAX + 10; n += 1) leave(room, n, 1_000);
    expect([...room]).toHaveLength(ROOM_TOMBSTONES_MAX);
    expect(room.get('9')).toBeUndefined();
    expect(room.get('10')).toEqual(heard(null, 1_000));
    expect(room.get(`${ROOM_TOMBSTONES_MAX + 9}`)).toEqual(heard(null, 1_000));
    // An older copy revives the session of a dropped one, and of no other.
    expect(room.learn('9', heard('presence', 500), 1_000)).toBe('new');
    expect(room.learn('10', heard('presence', 500), 1_000)).toBe('later');
  });

  it('of a session that came back and left again counts as the newest', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < ROOM_TOMBSTONES_MAX; n += 1) leave(room, n, 1_000);
    room.touch('0', 'presence', 2_000);
    room.touch('0', null, 2_000);
    leave(room, ROOM_TOMBSTONES_MAX, 2_000);
    expect(room.get('0')?.mood).toBeNull();
    expect(room.get('1')).toBeUndefined();
  });

  it('are forgotten when their time is over, also behind one that came back', () => {
    const room = new RoomSessions(TTL, 0);
    for (let n = 0; n < 3; n += 1) leave(room, n, 1_000);
    room.touch('0', 'presence', 2_000);
    room.expire(1_000 + TTL, silent);
    expect([...room]).toEqual([['0', heard('presence', 2_000)]]);
  });
});

describe('the collections of a room', () => {
  it('hold no more for a session that comes and goes a million times', () => {
    const room = new RoomSessions(600_000, 0);
    for (let n = 0; n < 1_000_000; n += 1) {
      room.touch(ANNA, 'presence', n);
      room.touch(ANNA, null, n);
    }
    expect(room.entries).toBeLessThan(2 * ROOM_NEWS_MAX);
  });

  it('hold a bounded number of entries, whatever comes by sync and by socket', () => {
    const room = new RoomSessions(600_000, 0);
    for (let n = 0; n < 4 * ROOM_SESSIONS_MAX; n += 1) {
      room.touch(`socket ${n}`, 'presence', n);
      room.learn(`sync ${n}`, heard('presence', n), n);
      if (n % 2 === 0) room.touch(`socket ${n}`, null, n);
      if (n % 3 === 0) room.learn(`sync ${n}`, heard(null, n + 1), n);
    }
    expect(room.isFull).toBe(true);
    expect(room.entries).toBeLessThanOrEqual(
      2 * ROOM_SESSIONS_MAX + 3 * ROOM_TOMBSTONES_MAX + ROOM_NEWS_MAX + 2_000,
    );
  }, 20_000);
});
