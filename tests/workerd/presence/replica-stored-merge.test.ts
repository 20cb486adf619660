import { beforeEach, describe, expect, it } from 'vitest';
import { Replica } from '../../../src/presence/replica';
import { type SessionRecord, ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming } from '../../../src/presence/timing';
import { ANNA, anna, BEN, mergeStored, NONE, recordsIn, storedAfterMerge } from './replica-records';

const TIMING = kvTiming(30_000, 10_000);
/** A stored session counts this long if its writer was alone. */
const EXTENDED = { countsMs: TIMING.remoteTtlMs + TIMING.aloneExtensionMs };
const NEVER = Number.NEGATIVE_INFINITY;

let replica: Replica;
beforeEach(() => {
  replica = new Replica(TIMING);
});

describe('a merge of stored records', () => {
  it('a replica keeps a tombstone for tombstoneTtlMs, and the tombstone overrules an older copy', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    expect(replica.leave(ANNA, 100)).toBe(true);
    expect(storedAfterMerge(replica, anna('presence', 5), 200)).toEqual(anna(null, 100));
    expect(replica.remote.recordsSize).toBe(0);
    replica.expire(100 + TIMING.tombstoneTtlMs - 1);
    expect(replica.own.recordsSize).toBe(1);
    replica.expire(100 + TIMING.tombstoneTtlMs);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a replica does not count a session that expired here, unless another replica has a later heartbeat', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    mergeStored(replica, anna('presence', 1_000), 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, anna('presence', 1_001), 31_000);
    expect(replica.counts.presence).toBe(1);
  });

  it('a replica stores an own session for the TTL after its heartbeat, and no longer', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    expect(storedAfterMerge(replica, NONE, 30_999).size).toBe(1);
    expect(storedAfterMerge(replica, NONE, 31_000).size).toBe(0);
  });

  it.each([
    ['70 s', undefined, 1_000 + TIMING.remoteTtlMs],
    ['150 s', EXTENDED, 1_000 + TIMING.remoteTtlMs + TIMING.aloneExtensionMs],
  ])(
    'a stored record that counts for %s stays stored until then, although its session expired here',
    (_time, options, until) => {
      replica.heartbeat(ANNA, 'presence', 1_000);
      const stored = anna('presence', 1_000);
      for (const now of [31_000, until - 1]) {
        expect(recordsIn(mergeStored(replica, stored, now, options).kept)).toEqual(stored);
        expect(replica.counts).toEqual(ZERO_COUNTS);
      }
      expect(storedAfterMerge(replica, stored, until, options).size).toBe(0);
    },
  );

  it('a session with a later heartbeat at another replica moves there, and its next heartbeat moves it back', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    const later = anna('release', 2_000);
    expect(storedAfterMerge(replica, later, 2_000)).toEqual(later);
    expect(replica.own.size).toBe(0);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    // This clock is behind the other one, but this heartbeat is the later one.
    replica.heartbeat(ANNA, 'gratitude', 1_500);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(storedAfterMerge(replica, later, 2_000)).toEqual(anna('gratitude', 2_001));
  });

  it('a merge of stored sessions empties the outbox, because each write sends all sessions', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    mergeStored(replica, NONE, 1_000);
    expect(replica.outbox(0).size).toBe(0);
    expect(replica.hasSynced).toBe(true);
  });

  it('a heartbeat that waited takes the mood of a later one at another replica, unless that one is in the future', () => {
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

  it('remote sessions expire on time in any order of the stored value', () => {
    const stored = new Map([
      [ANNA, { mood: 'presence', lastSeen: 9_000, expiresAt: 90_000 }],
      [BEN, { mood: 'release', lastSeen: 1_000, expiresAt: 50_000 }],
    ] as const);
    replica.mergeStored(stored, 10_000, NEVER);
    replica.expire(49_999);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1, release: 1 });
    replica.expire(50_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });

  it.each([
    ['a leave at another replica', null, 'presence', 2_000],
    ['a heartbeat at another replica', 'release', 'release', 2_001],
    ['a heartbeat of a clock that is ahead', 'release', 'presence', 3_001],
  ] as const)(
    'a replica keeps an own session against %s while it is pinned, and no longer',
    (_what, mood, kept, lastSeen) => {
      const theirs = anna(mood, mood === null ? lastSeen : lastSeen - 1);
      replica.heartbeat(ANNA, 'presence', 1_500);
      replica.pin(ANNA);
      expect(storedAfterMerge(replica, theirs, 2_500)).toEqual(anna(kept, lastSeen));
      expect(replica.own.isPresent(ANNA)).toBe(true);
      replica.unpin(ANNA);
      mergeStored(replica, anna(mood, lastSeen + 1), 2_500);
      expect(replica.own.isPresent(ANNA)).toBe(false);
    },
  );

  it('a pin does not extend a session, and a leave removes it', () => {
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

  it('an earlier leave ends a session that a merge adds, unless the session has a later heartbeat', () => {
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

  it('a replica forgets a leave for an unknown session after tombstoneTtlMs', () => {
    const longer = { countsMs: TIMING.tombstoneTtlMs + 1 };
    replica.leave(ANNA, 5_000);
    mergeStored(replica, anna('presence', 5_000), 5_000 + TIMING.tombstoneTtlMs - 1, longer);
    expect(replica.own.recordsSize).toBe(1);
    replica = new Replica(TIMING);
    replica.leave(ANNA, 5_000);
    mergeStored(replica, anna('presence', 5_000), 5_000 + TIMING.tombstoneTtlMs, longer);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a heartbeat that waited counts from its arrival, unless the session left at another replica meanwhile', () => {
    expect(replica.heartbeat(ANNA, 'presence', 1_500, 1_000)).toBe(true);
    replica.expire(31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, new Map([[BEN, { mood: null, lastSeen: 31_200 }]]), 31_300);
    expect(replica.heartbeat(BEN, 'presence', 31_500, 31_100)).toBe(false);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.heartbeat(BEN, 'presence', 31_500, 31_200)).toBe(true);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });

  it('dropRemote drops remote tombstones before remote sessions', () => {
    const entry = (mood: SessionRecord['mood'], lastSeen: number) => ({ mood, lastSeen, expiresAt: 60_000 });
    replica.mergeStored(
      new Map([
        [ANNA, entry('presence', 1)],
        [BEN, entry(null, 2)],
      ]),
      10,
      NEVER,
    );
    expect(replica.dropRemote(1)).toBe(1);
    expect(replica.get(BEN)).toBeUndefined();
    expect(replica.dropRemote(5)).toBe(1);
    expect(replica.remote.recordsSize).toBe(0);
  });
});

describe('a merge of an older value', () => {
  /** The replica merges this record at 2,000 ms. It counts until 72,000 ms. */
  const KNOWN = { mood: 'presence', lastSeen: 2_000 } as const;
  it.each([
    ['keeps its newer record against a value without the session', undefined, KNOWN, 72_000],
    [
      'keeps its newer record against an older heartbeat',
      { mood: 'release', lastSeen: 1_999 },
      KNOWN,
      72_000,
    ],
    ['keeps its newer record against an older leave', { mood: null, lastSeen: 1_999 }, KNOWN, 72_000],
    [
      'keeps its newer record against a leave of the same time',
      { mood: null, lastSeen: 2_000 },
      KNOWN,
      72_000,
    ],
    [
      'takes a newer heartbeat',
      { mood: 'release', lastSeen: 2_001 },
      { mood: 'release', lastSeen: 2_001 },
      72_001,
    ],
  ] as const)('a replica %s', (_what, stored, expected, until) => {
    mergeStored(replica, new Map([[ANNA, KNOWN]]), 2_000);
    mergeStored(replica, new Map(stored === undefined ? [] : [[ANNA, stored]]), 3_000);
    expect(replica.get(ANNA)).toEqual({ ...expected, expiresAt: until });
    expect(replica.remote.recordsSize).toBe(1);
    replica.expire(until);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica takes a newer leave, and keeps it against an older heartbeat', () => {
    mergeStored(replica, new Map([[ANNA, KNOWN]]), 2_000);
    mergeStored(replica, anna(null, 2_500), 3_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, new Map([[ANNA, KNOWN]]), 4_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.get(ANNA)).toMatchObject({ mood: null, lastSeen: 2_500 });
  });

  it.each([
    ['the shorter', TIMING.remoteTtlMs, EXTENDED.countsMs],
    ['the longer', EXTENDED.countsMs, TIMING.remoteTtlMs],
  ])(
    'a record in two merges counts for its longer time when the second merge has %s one',
    (_which, later, earlier) => {
      mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: earlier });
      mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: later });
      expect(replica.get(ANNA)?.expiresAt).toBe(1_000 + EXTENDED.countsMs);
    },
  );

  it('a merge does not restore an expired record of an earlier merge', () => {
    mergeStored(replica, anna('presence', 1_000), 1_000);
    mergeStored(replica, NONE, 1_000 + TIMING.remoteTtlMs);
    expect(replica.remote.recordsSize).toBe(0);
  });

  it('an own heartbeat replaces the remote record of an earlier merge', () => {
    mergeStored(replica, new Map([[ANNA, KNOWN]]), 2_000);
    replica.heartbeat(ANNA, 'release', 3_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(replica.remote.recordsSize).toBe(0);
    mergeStored(replica, NONE, 4_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(replica.remote.recordsSize).toBe(0);
  });

  it('a stored heartbeat wins against a known tombstone of the same stamp that counts longer', () => {
    mergeStored(replica, anna(null, 1_000), 1_000, { countsMs: 150_000 });
    mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: 70_000 });
    expect(replica.counts.presence).toBe(1);
  });
});
