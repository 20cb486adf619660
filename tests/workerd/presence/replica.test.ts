import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { Replica } from '../../../src/presence/replica';
import { type SessionRecord, type SessionRecords, ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming, roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { recordsIn } from './records-in';
import { allOf, mergeStored } from './stored-merge';

const TIMING = kvTiming(30_000, 10_000);
/** So long a stored session with an extended lease counts. */
const EXTENDED_MS = TIMING.remoteTtlMs + TIMING.leaseExtensionMs;
const NONE: SessionRecords = new Map();
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const anna = (mood: SessionRecord['mood'], lastSeen: number): SessionRecords =>
  new Map([[ANNA, { mood, lastSeen }]]);

let replica: Replica;
beforeEach(() => {
  replica = new Replica(TIMING);
});

describe('a replica by itself', () => {
  it('keeps a session for the TTL after its last heartbeat, to the millisecond', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(29_999);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
    replica.expire(30_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('counts a session in its last mood only', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(ANNA, 'release', 1);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('ends heartbeat, leave, heartbeat within one millisecond with a session, and heartbeat, leave without', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    replica.heartbeat(BEN, 'presence', 5);
    replica.leave(ANNA, 5);
    replica.leave(BEN, 5);
    replica.heartbeat(ANNA, 'gratitude', 5);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(allOf(replica, NONE, 5)).toEqual(
      new Map([
        [ANNA, { mood: 'gratitude', lastSeen: 7 }],
        [BEN, { mood: null, lastSeen: 6 }],
      ]),
    );
  });

  it('does not expire a session later because its stamp ran ahead, nor the sessions behind it', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    replica.leave(ANNA, 5);
    replica.heartbeat(ANNA, 'presence', 5);
    replica.heartbeat(BEN, 'presence', 5);
    replica.expire(30_005);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('stamps no session further ahead than another clock may be', () => {
    for (let round = 0; round < 10_000; round += 1) {
      replica.heartbeat(ANNA, 'presence', 5);
      replica.leave(ANNA, 5);
    }
    expect(allOf(replica, NONE, 5).get(ANNA)).toEqual({ mood: null, lastSeen: 5 + CLOCK_SKEW_MAX_MS });
  });

  it('keeps no record of a leave for an unknown session', () => {
    expect(replica.leave(ANNA, 5)).toBe(false);
    mergeStored(replica, anna(null, 4), 5);
    expect(replica.leave(ANNA, 5)).toBe(false);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('stays in order when the clock steps back', () => {
    replica.heartbeat(ANNA, 'presence', 10_000);
    replica.heartbeat(BEN, 'presence', 4_000);
    replica.expire(39_999);
    expect(replica.counts.presence).toBe(2);
    replica.expire(40_000);
    expect(replica.counts.presence).toBe(0);
  });

  it('knows an expired session as long as a copy of it may come back, and no more of them than its limit', () => {
    replica = new Replica(TIMING, 8);
    for (let n = 0; n < 9; n += 1) replica.heartbeat(sessionId(n), 'presence', n);
    replica.expire(40_000);
    const known = () => Array.from({ length: 9 }, (_, n) => replica.admit(sessionId(n), 40_000) === 'known');
    expect(known()).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs - 1)).toBe('known');
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs)).toBe('new');
  });

  it('is full with so many own sessions, and admits those that it knows', () => {
    replica = new Replica(TIMING, 2);
    replica.heartbeat(ANNA, 'presence', 0);
    expect(replica.admit(BEN, 0)).toBe('new');
    replica.heartbeat(BEN, 'presence', 1);
    expect(replica.admit(sessionId(3), 1)).toBe('full');
    expect(replica.admit(ANNA, 1)).toBe('known');
    expect(replica.admit(sessionId(3), TIMING.ttlMs)).toBe('new');
  });
});

describe('a replica that merges all that a hub stores', () => {
  it('keeps a tombstone as long as another replica may hold an old copy', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    expect(replica.leave(ANNA, 100)).toBe(true);
    expect(allOf(replica, anna('presence', 5), 200)).toEqual(anna(null, 100));
    expect(replica.remote.recordsSize).toBe(0);
    replica.expire(100 + TIMING.tombstoneTtlMs - 1);
    expect(replica.own.recordsSize).toBe(1);
    replica.expire(100 + TIMING.tombstoneTtlMs);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('does not count a session that expired here, unless another replica had a later heartbeat', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    mergeStored(replica, anna('presence', 1_000), 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, anna('presence', 1_001), 31_000);
    expect(replica.counts.presence).toBe(1);
  });

  it('stores no session again that has expired since', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    expect(allOf(replica, NONE, 30_999).size).toBe(1);
    expect(allOf(replica, NONE, 31_000).size).toBe(0);
  });

  it('keeps a session stored that expired here, for as long as another replica may count it', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    const stored = anna('presence', 1_000);
    expect(allOf(replica, stored, 31_000, EXTENDED_MS)).toEqual(stored);
    expect(allOf(replica, stored, 1_000 + TIMING.remoteTtlMs - 1, EXTENDED_MS)).toEqual(stored);
    expect(allOf(replica, stored, 1_000 + TIMING.remoteTtlMs, EXTENDED_MS).size).toBe(0);
  });

  it('gives a session up whose heartbeat came later elsewhere, and takes it back at its next heartbeat', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    const later = anna('release', 2_000);
    expect(allOf(replica, later, 2_000)).toEqual(later);
    expect(replica.own.size).toBe(0);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    // This clock is behind the other one, and yet this heartbeat is the later one.
    replica.heartbeat(ANNA, 'gratitude', 1_500);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(allOf(replica, later, 2_000)).toEqual(anna('gratitude', 2_001));
  });

  it('keeps nothing in the outbox, since each write sends all sessions', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    mergeStored(replica, NONE, 1_000);
    expect(replica.outbox(0).size).toBe(0);
    expect(replica.hasSynced).toBe(true);
  });

  it('takes the mood of a later heartbeat elsewhere for a heartbeat that waited, up to the present', () => {
    for (const [lastSeen, mood] of [
      [1_000, 'presence'],
      [1_200, 'release'],
      [1_500, 'release'],
      [1_501, 'presence'],
    ] as const) {
      replica = new Replica(TIMING);
      mergeStored(replica, anna('release', lastSeen), 1_400);
      expect(replica.heartbeat(ANNA, 'presence', 1_500, 1_000)).toBe(true);
      expect(replica.counts).toEqual({ ...ZERO_COUNTS, [mood]: 1 });
    }
  });

  it('drops remote sessions when they expire, whatever their order in the value', () => {
    const stored = new Map([
      [ANNA, { mood: 'presence', lastSeen: 9_000, expiresAt: 90_000 }],
      [BEN, { mood: 'release', lastSeen: 1_000, expiresAt: 50_000 }],
    ] as const);
    replica.replaceRemote(stored, 10_000);
    replica.expire(49_999);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1, release: 1 });
    replica.expire(50_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });

  it.each([
    ['a leave', null, 'presence', 2_000],
    ['a heartbeat', 'release', 'release', 2_001],
    ['a heartbeat of a clock that is ahead', 'release', 'presence', 3_001],
  ] as const)(
    'keeps a pinned session against %s, and no longer than it is pinned',
    (_what, mood, kept, lastSeen) => {
      const theirs = anna(mood, mood === null ? lastSeen : lastSeen - 1);
      replica.heartbeat(ANNA, 'presence', 1_500);
      replica.pin(ANNA);
      expect(allOf(replica, theirs, 2_500)).toEqual(anna(kept, lastSeen));
      expect(replica.own.isPresent(ANNA)).toBe(true);
      replica.unpin(ANNA);
      mergeStored(replica, anna(mood, lastSeen + 1), 2_500);
      expect(replica.own.isPresent(ANNA)).toBe(false);
    },
  );

  it('lets a pin neither lengthen a session nor outlive a leave', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    replica.pin(ANNA);
    mergeStored(replica, anna(null, 2_000), 2_000);
    replica.expire(30_999);
    expect(replica.own.isPresent(ANNA)).toBe(true);
    replica.expire(31_000);
    expect(replica.own.isPresent(ANNA)).toBe(false);
    replica.heartbeat(BEN, 'presence', 31_000);
    replica.pin(BEN);
    replica.leave(BEN, 31_001);
    mergeStored(replica, new Map([[BEN, { mood: 'release', lastSeen: 31_500 }]]), 32_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('ends a session whose leave came before the hub brought it, unless it came back since', () => {
    for (const [lastSeen, count] of [
      [4_999, 0],
      [5_000, 0],
      [5_001, 1],
    ] as const) {
      replica = new Replica(TIMING);
      replica.leave(ANNA, 5_000);
      mergeStored(replica, anna('presence', lastSeen), 6_000);
      expect(replica.counts.presence).toBe(count);
    }
  });

  it('forgets a leave for an unknown session when no replica can count that session any more', () => {
    replica.leave(ANNA, 5_000);
    mergeStored(replica, anna('presence', 5_000), 5_000 + TIMING.remoteTtlMs - 1, EXTENDED_MS);
    expect(replica.own.recordsSize).toBe(1);
    replica = new Replica(TIMING);
    replica.leave(ANNA, 5_000);
    mergeStored(replica, anna('presence', 5_000), 5_000 + TIMING.remoteTtlMs, EXTENDED_MS);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('counts a heartbeat that waited from when it came, unless the session left elsewhere meanwhile', () => {
    expect(replica.heartbeat(ANNA, 'presence', 1_500, 1_000)).toBe(true);
    replica.expire(31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, new Map([[BEN, { mood: null, lastSeen: 31_200 }]]), 31_300);
    expect(replica.heartbeat(BEN, 'presence', 31_500, 31_100)).toBe(false);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.heartbeat(BEN, 'presence', 31_500, 31_200)).toBe(true);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });
});

describe('a replica whose hub sends changes', () => {
  const ROOM = roomTiming(30_000, 1_000);
  const NOTHING = { records: NONE, isSnapshot: false, isRestart: false, sent: NONE, sentAt: 0 };
  beforeEach(() => {
    replica = new Replica(ROOM);
  });

  it('sends what has changed until the hub has it, unless it changed again meanwhile', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 0);
    replica.leave(BEN, 1);
    const sent = replica.outbox(0);
    expect(recordsIn(sent)).toEqual(
      new Map([
        [ANNA, { mood: 'presence', lastSeen: 1 }],
        [BEN, { mood: null, lastSeen: 2 }],
      ]),
    );
    replica.heartbeat(ANNA, 'presence', 500);
    replica.applyAnswer({ ...NOTHING, sent }, 1_000);
    expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
  });

  it('asks for sessions that expired or will soon, until the hub knows no more or they come back', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 10_000);
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 10_000);
    const asked = (expiringBy: number) => [...replica.outbox(expiringBy).keys()];
    expect(asked(29_999)).toEqual([]);
    expect(asked(39_999)).toEqual([ANNA]);
    expect(asked(40_000)).toEqual([ANNA, BEN]);
    replica.expire(40_000);
    expect(asked(0)).toEqual([ANNA, BEN]);
    replica.heartbeat(ANNA, 'presence', 40_000);
    expect(recordsIn(replica.outbox(0))).toEqual(
      new Map([
        [BEN, { mood: null, lastSeen: 10_000 }],
        [ANNA, { mood: 'presence', lastSeen: 40_000 }],
      ]),
    );
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 40_000);
    expect(asked(0)).toEqual([]);
  });

  it('goes on asking for an expired session while the hub still counts it', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(30_000);
    const records = anna('presence', 0);
    const sentAt = 30_000;
    replica.applyAnswer({ ...NOTHING, records, sent: replica.outbox(0), sentAt }, 30_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
    const later = anna('release', 20_000);
    replica.applyAnswer({ ...NOTHING, records: later, sent: replica.outbox(0), sentAt }, 30_100);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect([...replica.outbox(0).keys()]).toEqual([]);
  });

  it('keeps remote sessions until the hub ends them, or for a TTL after the call that was answered last', () => {
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 0), isSnapshot: true }, 0);
    replica.applyAnswer({ ...NOTHING, sentAt: 25_000 }, 26_000);
    replica.expire(54_999);
    expect(replica.counts.presence).toBe(1);
    expect(replica.remote.isStale).toBe(false);
    replica.expire(55_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.remote.isStale).toBe(true);
    // An answer to a call from before that brings the changes of what is still remembered.
    replica.applyAnswer({ ...NOTHING, sentAt: 54_000 }, 55_100);
    expect(replica.counts.presence).toBe(1);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 0), sentAt: 55_000 }, 56_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('counts nothing of an answer that comes a TTL after its call', () => {
    const late = { ...NOTHING, records: anna('presence', 1), isSnapshot: true, sentAt: 1_000 };
    replica.applyAnswer(late, 30_999);
    expect(replica.counts.presence).toBe(1);
    replica.applyAnswer(late, 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('sends a hub that lost its memory the own sessions and tombstones that it lacks, and says so', () => {
    const CARL = sessionId(3);
    for (const id of [ANNA, BEN, CARL]) replica.heartbeat(id, 'presence', 0);
    replica.leave(CARL, 1);
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 1_000);
    const restart = { ...NOTHING, isSnapshot: true, isRestart: true };
    expect(replica.applyAnswer({ ...restart, records: anna('presence', 1) }, 2_000)).toBe(true);
    expect([...replica.outbox(0).keys()].sort()).toEqual([BEN, CARL].sort());
    const sent = replica.outbox(0);
    expect(replica.applyAnswer({ ...restart, records: anna('presence', 1), sent }, 3_000)).toBe(false);
    expect(replica.outbox(0).size).toBe(0);
  });

  it('says that the hub is behind where a pin or an earlier leave stands against its answer', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.pin(ANNA);
    expect(replica.applyAnswer({ ...NOTHING, records: anna(null, 500), sent: replica.outbox(0) }, 600)).toBe(
      true,
    );
    expect(recordsIn(replica.outbox(0))).toEqual(anna('presence', 500));
    replica.leave(BEN, 1_000);
    const ben = new Map([[BEN, { mood: 'presence' as const, lastSeen: 900 }]]);
    expect(replica.applyAnswer({ ...NOTHING, records: ben }, 1_100)).toBe(true);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });

  it('holds a session once that comes back after it has expired, and after it has left', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(ROOM.ttlMs);
    replica.heartbeat(ANNA, 'presence', ROOM.ttlMs);
    expect([...replica.own]).toHaveLength(1);
    replica.expire(2 * ROOM.ttlMs);
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 2 * ROOM.ttlMs - 1) }, 2 * ROOM.ttlMs);
    replica.leave(ANNA, 2 * ROOM.ttlMs);
    expect([...replica.own]).toHaveLength(1);
    expect(replica.outbox(0).size).toBe(1);
  });

  it('forgets what it could not send when no copy of it can come back any more', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 0);
    replica.leave(BEN, 0);
    replica.expire(ROOM.tombstoneTtlMs - 1);
    expect(replica.outbox(0).size).toBe(2);
    replica.expire(ROOM.tombstoneTtlMs);
    expect(replica.outbox(0).size).toBe(0);
  });

  it('has synced after its first answer, and a snapshot replaces the remote sessions', () => {
    expect(replica.hasSynced).toBe(false);
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 1), isSnapshot: true }, 1);
    expect(replica.hasSynced).toBe(true);
    const ben = new Map([[BEN, { mood: 'release' as const, lastSeen: 2 }]]);
    replica.applyAnswer({ ...NOTHING, records: ben, isSnapshot: true }, 2);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('knows a session that left elsewhere for two sync intervals, and one that expired elsewhere is gone at once', () => {
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 5_000), isSnapshot: true }, 5_000);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 5_500) }, 6_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.admit(ANNA, 7_999)).toBe('known');
    expect(replica.admit(ANNA, 8_000)).toBe('new');
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 9_000) }, 9_000);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 0) }, 10_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('forgets an expired session that a later remote record names, also where that one was no answer to it', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(30_000);
    replica.applyAnswer(
      { ...NOTHING, records: anna(null, 0), sent: replica.outbox(0), sentAt: 30_000 },
      30_000,
    );
    expect(replica.outbox(0).size).toBe(0);
  });

  it('sends nothing of a session that another replica has taken over, nor of one that expired', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 0);
    replica.applyAnswer({ ...NOTHING, records: anna('release', 5_000) }, 5_000);
    expect([...replica.outbox(0).keys()]).toEqual([BEN]);
    replica.expire(30_000);
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0), sentAt: 30_000 }, 30_000);
    expect(replica.outbox(0).size).toBe(0);
    replica.heartbeat(ANNA, 'presence', 31_000);
    expect([...replica.outbox(0).keys()]).toEqual([ANNA]);
  });
});

describe('a replica with a limit', () => {
  it('drops the expired sessions first, then the oldest tombstones, and sends nothing of what it dropped', () => {
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

  it('drops remote tombstones before remote sessions', () => {
    const entry = (mood: SessionRecord['mood'], lastSeen: number) => ({ mood, lastSeen, expiresAt: 60_000 });
    replica.replaceRemote(
      new Map([
        [ANNA, entry('presence', 1)],
        [BEN, entry(null, 2)],
      ]),
      10,
    );
    expect(replica.dropRemote(1)).toBe(1);
    expect(replica.get(BEN)).toBeUndefined();
    expect(replica.dropRemote(5)).toBe(1);
    expect(replica.remote.recordsSize).toBe(0);
  });
});
