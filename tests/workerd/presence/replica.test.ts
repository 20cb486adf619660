import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { Replica } from '../../../src/presence/replica';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming, roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { ANNA, anna, BEN, mergeStored, NONE, storedAfterMerge } from './replica-records';

const TIMING = kvTiming(30_000, 10_000);

let replica: Replica;
beforeEach(() => {
  replica = new Replica(TIMING);
});

describe('heartbeats, leaves and expiry', () => {
  it('a replica keeps a session for the TTL after its last heartbeat, to the millisecond', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(29_999);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
    replica.expire(30_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a heartbeat that has waited for a TTL counts from now', () => {
    replica.heartbeat(ANNA, 'presence', 30_000, 0);
    replica.expire(59_999);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
    replica.expire(60_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica counts a session in its last mood only', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(ANNA, 'release', 1);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a replica keeps the order of heartbeats and leaves that arrive within 1 ms', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    replica.heartbeat(BEN, 'presence', 5);
    replica.leave(ANNA, 5);
    replica.leave(BEN, 5);
    replica.heartbeat(ANNA, 'gratitude', 5);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(storedAfterMerge(replica, NONE, 5)).toEqual(
      new Map([
        [ANNA, { mood: 'gratitude', lastSeen: 7 }],
        [BEN, { mood: null, lastSeen: 6 }],
      ]),
    );
  });

  it('a session whose stamp is ahead of the clock expires on time, and so do the sessions after it', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    replica.leave(ANNA, 5);
    replica.heartbeat(ANNA, 'presence', 5);
    replica.heartbeat(BEN, 'presence', 5);
    replica.expire(30_005);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica stamps a session at most 5 s ahead of its clock', () => {
    for (let round = 0; round < 10_000; round += 1) {
      replica.heartbeat(ANNA, 'presence', 5);
      replica.leave(ANNA, 5);
    }
    expect(storedAfterMerge(replica, NONE, 5).get(ANNA)).toEqual({
      mood: null,
      lastSeen: 5 + CLOCK_SKEW_MAX_MS,
    });
  });

  it('a leave for an unknown session, or for a remote tombstone, adds no own record', () => {
    expect(replica.leave(ANNA, 5)).toBe(false);
    mergeStored(replica, anna(null, 4), 5);
    expect(replica.leave(ANNA, 5)).toBe(false);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a replica expires no session early when the clock steps back', () => {
    replica.heartbeat(ANNA, 'presence', 10_000);
    replica.heartbeat(BEN, 'presence', 4_000);
    replica.expire(39_999);
    expect(replica.counts.presence).toBe(2);
    replica.expire(40_000);
    expect(replica.counts.presence).toBe(0);
  });

  it('a replica remembers expired sessions for tombstoneTtlMs, and at most as many as its limit', () => {
    replica = new Replica(TIMING, 8);
    for (let n = 0; n < 9; n += 1) replica.heartbeat(sessionId(n), 'presence', n);
    replica.expire(40_000);
    const known = () => Array.from({ length: 9 }, (_, n) => replica.admit(sessionId(n), 40_000) === 'known');
    expect(known()).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs - 1)).toBe('known');
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs)).toBe('new');
  });
});

describe('limits of a replica', () => {
  it('a replica at its limit of own sessions admits known sessions and refuses new ones', () => {
    replica = new Replica(TIMING, 2);
    replica.heartbeat(ANNA, 'presence', 0);
    expect(replica.admit(BEN, 0)).toBe('new');
    replica.heartbeat(BEN, 'presence', 1);
    expect(replica.admit(sessionId(3), 1)).toBe('full');
    expect(replica.admit(ANNA, 1)).toBe('known');
    expect(replica.admit(sessionId(3), TIMING.ttlMs)).toBe('new');
  });

  it('a replica at its limit drops expired sessions first, then the oldest tombstones, and does not send them', () => {
    replica = new Replica(roomTiming(30_000, 1_000), 8);
    for (let n = 0; n < 8; n += 1) replica.heartbeat(sessionId(n), 'presence', n);
    for (let n = 0; n < 8; n += 1) replica.leave(sessionId(n), 100 + n);
    replica.heartbeat(sessionId(8), 'presence', 200);
    replica.leave(sessionId(8), 201);
    expect(replica.own.recordsSize).toBe(8);
    expect(replica.outbox(0).has(sessionId(0))).toBe(false);
    expect(replica.get(sessionId(1))?.mood).toBeNull();
    replica.heartbeat(sessionId(9), 'presence', 300);
    replica.expire(30_300);
    expect(replica.own.recordsSize).toBe(8);
    expect(replica.admit(sessionId(9), 30_300)).toBe('new');
  });
});
