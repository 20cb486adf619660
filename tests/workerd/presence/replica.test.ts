import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { Replica } from '../../../src/presence/replica';
import { type SessionRecord, type SessionRecords, ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming, roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { recordsIn } from './records-in';
import { mergeStored, storedAfterMerge } from './stored-merge';

const TIMING = kvTiming(30_000, 10_000);
/** A stored session counts this long if its writer was alone. */
const EXTENDED = { countsMs: TIMING.remoteTtlMs + TIMING.aloneExtensionMs };
const NEVER = Number.NEGATIVE_INFINITY;
const NONE: SessionRecords = new Map();
const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const anna = (mood: SessionRecord['mood'], lastSeen: number): SessionRecords =>
  new Map([[ANNA, { mood, lastSeen }]]);

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

  it('a stored heartbeat wins against a known tombstone of the same stamp that counts longer', () => {
    mergeStored(replica, anna(null, 1_000), 1_000, { countsMs: 150_000 });
    mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: 70_000 });
    expect(replica.counts.presence).toBe(1);
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

  it('a replica at its limit of own sessions admits known sessions and refuses new ones', () => {
    replica = new Replica(TIMING, 2);
    replica.heartbeat(ANNA, 'presence', 0);
    expect(replica.admit(BEN, 0)).toBe('new');
    replica.heartbeat(BEN, 'presence', 1);
    expect(replica.admit(sessionId(3), 1)).toBe('full');
    expect(replica.admit(ANNA, 1)).toBe('known');
    expect(replica.admit(sessionId(3), TIMING.ttlMs)).toBe('new');
  });
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
    mergeStored(replica, NONE, 4_000);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(replica.remote.recordsSize).toBe(0);
  });
});

describe('expired own sessions', () => {
  const HEARTBEAT = 1_000;
  const EXPIRED = HEARTBEAT + TIMING.ttlMs;
  const copy = anna('presence', HEARTBEAT);
  const tombstone = anna(null, HEARTBEAT + 1);
  beforeEach(() => {
    replica.heartbeat(ANNA, 'presence', HEARTBEAT);
  });

  it.each([
    [
      'becomes a tombstone 1 ms after its last heartbeat, if that is not later than endedBy',
      HEARTBEAT,
      tombstone,
    ],
    [
      'keeps its stored record, and gets no tombstone, if its last heartbeat is later than endedBy',
      HEARTBEAT - 1,
      copy,
    ],
  ])('an expired own session %s', (_what, endedBy, written) => {
    expect(storedAfterMerge(replica, copy, EXPIRED, { endedBy })).toEqual(written);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.remote.recordsSize).toBe(0);
    expect(replica.own.recordsSize).toBe(endedBy < HEARTBEAT ? 0 : 1);
  });

  it('a merge ends no present own session, although its heartbeat is earlier than endedBy', () => {
    expect(storedAfterMerge(replica, copy, EXPIRED - 1, { endedBy: EXPIRED })).toEqual(copy);
    expect(replica.own.isPresent(ANNA)).toBe(true);
  });

  it.each([
    ['nothing is stored', NONE],
    ['an older heartbeat is stored', anna('release', HEARTBEAT - 1)],
    ['an older leave is stored', anna(null, HEARTBEAT - 1)],
    ['its last heartbeat is stored', copy],
  ])('an expired own session becomes a tombstone when %s', (_what, stored) => {
    expect(storedAfterMerge(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(tombstone);
  });

  it.each([
    ['a later heartbeat', anna('release', HEARTBEAT + 1)],
    ['a much later heartbeat', anna('release', HEARTBEAT + 20_000)],
    ['a later leave', anna(null, HEARTBEAT + 2)],
  ])('a stored record with %s prevents a tombstone, and becomes a remote record', (_what, stored) => {
    expect(storedAfterMerge(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(stored);
    expect(replica.own.recordsSize).toBe(0);
    expect(replica.remote.recordsSize).toBe(1);
  });

  it('a later heartbeat of an earlier merge prevents a tombstone', () => {
    mergeStored(replica, anna('release', 25_000), EXPIRED);
    expect(storedAfterMerge(replica, copy, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(
      anna('release', 25_000),
    );
  });

  it('a merge returns the stored record of an expired session in kept until a merge ends the session', () => {
    const entry = { mood: 'presence', lastSeen: HEARTBEAT, expiresAt: 90_000 } as const;
    expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, NEVER).kept).toEqual(
      new Map([[ANNA, entry]]),
    );
    expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, HEARTBEAT).kept).toEqual(new Map());
  });

  it.each([NEVER, HEARTBEAT])(
    'an older copy in a later merge does not revive an expired session: endedBy %d',
    (endedBy) => {
      const longer = { countsMs: 140_000, endedBy };
      mergeStored(replica, NONE, EXPIRED, { endedBy });
      for (const now of [EXPIRED + 1, 60_000, HEARTBEAT + 140_000 - 1]) {
        mergeStored(replica, copy, now, longer);
        expect(replica.counts).toEqual(ZERO_COUNTS);
        expect(replica.remote.recordsSize).toBe(0);
      }
    },
  );

  it('a replica keeps the tombstone of an expired session for tombstoneTtlMs after its last heartbeat', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs - 1);
    expect(replica.own.recordsSize).toBe(1);
    replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a replica that reads its own tombstone holds it once, as an own record', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    expect(storedAfterMerge(replica, tombstone, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(tombstone);
    expect(replica.own.recordsSize).toBe(1);
    expect(replica.remote.recordsSize).toBe(0);
  });

  it.each([
    ['overrules a copy of the heartbeat', copy, 0],
    ['loses to a heartbeat 1 ms later', anna('release', HEARTBEAT + 1), 1],
    ['loses to a heartbeat 20 s later', anna('release', HEARTBEAT + 20_000), 1],
  ])('the tombstone of an expired session %s at its owner and at other replicas', (_what, later, count) => {
    const written = storedAfterMerge(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    mergeStored(replica, later, EXPIRED + 1, { endedBy: HEARTBEAT });
    expect(replica.counts.release).toBe(count);
    expect(replica.counts.presence).toBe(0);
    const [first, second] = [new Replica(TIMING), new Replica(TIMING)];
    for (const stored of [written, later]) mergeStored(first, stored, EXPIRED);
    for (const stored of [later, written]) mergeStored(second, stored, EXPIRED);
    for (const reader of [first, second]) {
      expect(reader.counts.release).toBe(count);
      expect(reader.counts.presence).toBe(0);
    }
  });

  it('a heartbeat after the tombstone of a session makes it present again with a later stamp', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    replica.heartbeat(ANNA, 'release', EXPIRED, HEARTBEAT + 1);
    expect(storedAfterMerge(replica, tombstone, EXPIRED)).toEqual(anna('release', HEARTBEAT + 2));
    expect(replica.own.recordsSize).toBe(1);
  });

  it('a new heartbeat of an expired session makes it present again, and prevents a tombstone', () => {
    mergeStored(replica, copy, EXPIRED);
    replica.heartbeat(ANNA, 'release', EXPIRED + 1);
    const merged = storedAfterMerge(replica, copy, EXPIRED + 2, { endedBy: HEARTBEAT });
    expect(merged).toEqual(anna('release', EXPIRED + 1));
  });

  it('the tombstone of a session whose stamp is ahead of the clock is 1 ms after that stamp', () => {
    replica.leave(ANNA, HEARTBEAT);
    replica.heartbeat(ANNA, 'presence', HEARTBEAT);
    expect(storedAfterMerge(replica, NONE, EXPIRED, { endedBy: HEARTBEAT })).toEqual(
      anna(null, HEARTBEAT + 3),
    );
  });

  it('a merge ends only expired sessions whose own last heartbeat is not later than endedBy', () => {
    replica.heartbeat(BEN, 'presence', HEARTBEAT + 1);
    const stored = new Map([...copy, [BEN, { mood: 'presence' as const, lastSeen: HEARTBEAT + 1 }]]);
    const { kept } = mergeStored(replica, stored, EXPIRED + 1, { endedBy: HEARTBEAT });
    expect([...kept.keys()]).toEqual([BEN]);
    expect(recordsIn(new Map(replica.own))).toEqual(tombstone);
    mergeStored(replica, stored, EXPIRED + 2, { endedBy: HEARTBEAT + 1 });
    expect(replica.own.recordsSize).toBe(2);
  });
});

describe('a hub of changes', () => {
  const ROOM = roomTiming(30_000, 1_000);
  const NOTHING = {
    records: NONE,
    isSnapshot: false,
    isRestart: false,
    includesChannels: true,
    sent: NONE,
    sentAt: 0,
  };
  beforeEach(() => {
    replica = new Replica(ROOM);
  });

  it('a replica sends a change until the hub has it, and sends it again if the session changes meanwhile', () => {
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

  it('an outbox holds expired and expiring sessions until the hub answers, or until a new heartbeat', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 10_000);
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 10_000);
    const outboxKeys = (expiringBy: number) => [...replica.outbox(expiringBy).keys()];
    expect(outboxKeys(29_999)).toEqual([]);
    expect(outboxKeys(39_999)).toEqual([ANNA]);
    expect(outboxKeys(40_000)).toEqual([ANNA, BEN]);
    replica.expire(40_000);
    expect(outboxKeys(0)).toEqual([ANNA, BEN]);
    replica.heartbeat(ANNA, 'presence', 40_000);
    expect(recordsIn(replica.outbox(0))).toEqual(
      new Map([
        [BEN, { mood: null, lastSeen: 10_000 }],
        [ANNA, { mood: 'presence', lastSeen: 40_000 }],
      ]),
    );
    replica.applyAnswer({ ...NOTHING, sent: replica.outbox(0) }, 40_000);
    expect(outboxKeys(0)).toEqual([]);
  });

  it('a replica sends an expired session again while the hub counts it without a later heartbeat', () => {
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

  it('a replica keeps remote sessions until the hub ends them, or for a TTL after the last answered call', () => {
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 0), isSnapshot: true }, 0);
    replica.applyAnswer({ ...NOTHING, sentAt: 25_000 }, 26_000);
    replica.expire(54_999);
    expect(replica.counts.presence).toBe(1);
    expect(replica.remote.isStale).toBe(false);
    replica.expire(55_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.remote.isStale).toBe(true);
    // A late answer to an earlier call makes the remembered sessions count again.
    replica.applyAnswer({ ...NOTHING, sentAt: 54_000 }, 55_100);
    expect(replica.counts.presence).toBe(1);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 0), sentAt: 55_000 }, 56_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('an answer that arrives a TTL after its call adds no session', () => {
    const late = { ...NOTHING, records: anna('presence', 1), isSnapshot: true, sentAt: 1_000 };
    replica.applyAnswer(late, 30_999);
    expect(replica.counts.presence).toBe(1);
    replica.applyAnswer(late, 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica queues the own sessions and tombstones that a restarted hub lacks, and returns true', () => {
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

  it('an answer that a pin or an earlier leave contradicts shows that the hub is behind', () => {
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

  it('a session has one own record after it expired and returned, and after it expired and left', () => {
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

  it('a replica forgets unsent tombstones and expired sessions after tombstoneTtlMs', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.heartbeat(BEN, 'presence', 0);
    replica.leave(BEN, 0);
    replica.expire(ROOM.tombstoneTtlMs - 1);
    expect(replica.outbox(0).size).toBe(2);
    replica.expire(ROOM.tombstoneTtlMs);
    expect(replica.outbox(0).size).toBe(0);
  });

  it('a replica has synced after its first answer, and a snapshot replaces the remote sessions', () => {
    expect(replica.hasSynced).toBe(false);
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 1), isSnapshot: true }, 1);
    expect(replica.hasSynced).toBe(true);
    const ben = new Map([[BEN, { mood: 'release' as const, lastSeen: 2 }]]);
    replica.applyAnswer({ ...NOTHING, records: ben, isSnapshot: true }, 2);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a replica remembers a remote leave for two sync intervals, and a remote expiry ends a session', () => {
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 5_000), isSnapshot: true }, 5_000);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 5_500) }, 6_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.admit(ANNA, 7_999)).toBe('known');
    expect(replica.admit(ANNA, 8_000)).toBe('new');
    replica.applyAnswer({ ...NOTHING, records: anna('presence', 9_000) }, 9_000);
    replica.applyAnswer({ ...NOTHING, records: anna(null, 0) }, 10_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica forgets an expired session when the hub answers that it has ended', () => {
    replica.heartbeat(ANNA, 'presence', 0);
    replica.expire(30_000);
    replica.applyAnswer(
      { ...NOTHING, records: anna(null, 0), sent: replica.outbox(0), sentAt: 30_000 },
      30_000,
    );
    expect(replica.outbox(0).size).toBe(0);
  });

  it('a replica does not send a session that has moved to another replica, or one that the hub has expired', () => {
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

describe('limits of a replica', () => {
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
