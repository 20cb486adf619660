import { beforeEach, describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { Replica } from '../../../src/presence/replica';
import { type SessionRecord, type SessionRecords, ZERO_COUNTS } from '../../../src/presence/session';
import { kvTiming, roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { recordsIn } from './records-in';
import { allOf, mergeStored } from './stored-merge';

const TIMING = kvTiming(30_000, 10_000);
/** So long a stored session counts whose writer was alone. */
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

describe('a replica by itself', () => {
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

  it('a replica keeps the order of heartbeats and leaves that come within one millisecond', () => {
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

  it('a replica expires a session on time though its stamp is ahead, and the sessions after it too', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    replica.leave(ANNA, 5);
    replica.heartbeat(ANNA, 'presence', 5);
    replica.heartbeat(BEN, 'presence', 5);
    replica.expire(30_005);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica stamps no session further ahead than another clock may be', () => {
    for (let round = 0; round < 10_000; round += 1) {
      replica.heartbeat(ANNA, 'presence', 5);
      replica.leave(ANNA, 5);
    }
    expect(allOf(replica, NONE, 5).get(ANNA)).toEqual({ mood: null, lastSeen: 5 + CLOCK_SKEW_MAX_MS });
  });

  it('a replica keeps no record of a leave for an unknown session', () => {
    expect(replica.leave(ANNA, 5)).toBe(false);
    mergeStored(replica, anna(null, 4), 5);
    expect(replica.leave(ANNA, 5)).toBe(false);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a stored heartbeat wins against a known tombstone of its stamp, whichever counts longer', () => {
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

  it('a replica knows an expired session while a copy of it may come back, and at most as many as its limit', () => {
    replica = new Replica(TIMING, 8);
    for (let n = 0; n < 9; n += 1) replica.heartbeat(sessionId(n), 'presence', n);
    replica.expire(40_000);
    const known = () => Array.from({ length: 9 }, (_, n) => replica.admit(sessionId(n), 40_000) === 'known');
    expect(known()).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs - 1)).toBe('known');
    expect(replica.admit(sessionId(8), 8 + TIMING.tombstoneTtlMs)).toBe('new');
  });

  it('a replica with its limit of own sessions is full, and still admits known sessions', () => {
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
  it('a replica keeps a tombstone as long as another replica may hold an old copy', () => {
    replica.heartbeat(ANNA, 'presence', 5);
    expect(replica.leave(ANNA, 100)).toBe(true);
    expect(allOf(replica, anna('presence', 5), 200)).toEqual(anna(null, 100));
    expect(replica.remote.recordsSize).toBe(0);
    replica.expire(100 + TIMING.tombstoneTtlMs - 1);
    expect(replica.own.recordsSize).toBe(1);
    replica.expire(100 + TIMING.tombstoneTtlMs);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a replica does not count a session that expired here, unless another replica had a later heartbeat', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    mergeStored(replica, anna('presence', 1_000), 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    mergeStored(replica, anna('presence', 1_001), 31_000);
    expect(replica.counts.presence).toBe(1);
  });

  it('a replica does not store a session that has expired since the last write', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    expect(allOf(replica, NONE, 30_999).size).toBe(1);
    expect(allOf(replica, NONE, 31_000).size).toBe(0);
  });

  it.each([
    [undefined, 1_000 + TIMING.remoteTtlMs],
    [EXTENDED, 1_000 + TIMING.remoteTtlMs + TIMING.aloneExtensionMs],
  ])(
    'a replica keeps the stored record of a session that expired here while another one may count it: %#',
    (options, until) => {
      replica.heartbeat(ANNA, 'presence', 1_000);
      const stored = anna('presence', 1_000);
      for (const now of [31_000, until - 1]) {
        expect(recordsIn(mergeStored(replica, stored, now, options).kept)).toEqual(stored);
        expect(replica.counts).toEqual(ZERO_COUNTS);
      }
      expect(allOf(replica, stored, until, options).size).toBe(0);
    },
  );

  it('a session with a later heartbeat at another replica moves there, and its next heartbeat moves it back', () => {
    replica.heartbeat(ANNA, 'presence', 1_000);
    const later = anna('release', 2_000);
    expect(allOf(replica, later, 2_000)).toEqual(later);
    expect(replica.own.size).toBe(0);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    // This clock is behind the other one, but this heartbeat is the later one.
    replica.heartbeat(ANNA, 'gratitude', 1_500);
    expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect(allOf(replica, later, 2_000)).toEqual(anna('gratitude', 2_001));
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

  it('a replica expires remote sessions on time in any order of the value', () => {
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
    ['a leave', null, 'presence', 2_000],
    ['a heartbeat', 'release', 'release', 2_001],
    ['a heartbeat of a clock that is ahead', 'release', 'presence', 3_001],
  ] as const)(
    'a replica keeps a pinned session against %s, and only while it is pinned',
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

  it('a pin neither lengthens a session nor outlives a leave', () => {
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

  it('an earlier leave ends a session that a merge brings, unless that has a later heartbeat', () => {
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

  it('a replica forgets a leave for an unknown session when no copy of that session counts', () => {
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

describe('a replica that merges an older value than before', () => {
  /** The replica has merged this record at 2,000 ms; it counts until 72,000 ms. */
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
    ['a shorter', TIMING.remoteTtlMs, EXTENDED.countsMs],
    ['a longer', EXTENDED.countsMs, TIMING.remoteTtlMs],
  ])(
    'the same record counts for the longer time, also when it comes with %s one later',
    (_which, later, earlier) => {
      mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: earlier });
      mergeStored(replica, anna('presence', 1_000), 1_000, { countsMs: later });
      expect(replica.get(ANNA)?.expiresAt).toBe(1_000 + EXTENDED.countsMs);
    },
  );

  it('a replica does not take an expired record back from an earlier merge', () => {
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

describe('an own session that expired', () => {
  const HEARTBEAT = 1_000;
  const EXPIRED = HEARTBEAT + TIMING.ttlMs;
  const copy = anna('presence', HEARTBEAT);
  const tombstone = anna(null, HEARTBEAT + 1);
  beforeEach(() => {
    replica.heartbeat(ANNA, 'presence', HEARTBEAT);
  });

  it.each([
    ['becomes a tombstone 1 ms after its last heartbeat, when that came by endedBy', HEARTBEAT, tombstone],
    [
      'is no tombstone, and its stored record stays, when its last heartbeat came after endedBy',
      HEARTBEAT - 1,
      copy,
    ],
  ])('an own session that expired %s', (_what, endedBy, written) => {
    expect(allOf(replica, copy, EXPIRED, { endedBy })).toEqual(written);
    expect(replica.counts).toEqual(ZERO_COUNTS);
    expect(replica.remote.recordsSize).toBe(0);
    expect(replica.own.recordsSize).toBe(endedBy < HEARTBEAT ? 0 : 1);
  });

  it('an own session that is present is not ended, though its heartbeat came by endedBy', () => {
    expect(allOf(replica, copy, EXPIRED - 1, { endedBy: EXPIRED })).toEqual(copy);
    expect(replica.own.isPresent(ANNA)).toBe(true);
  });

  it.each([
    ['nothing is stored', NONE],
    ['an older heartbeat is stored', anna('release', HEARTBEAT - 1)],
    ['an older leave is stored', anna(null, HEARTBEAT - 1)],
    ['its last heartbeat is stored', copy],
  ])('an own session that expired becomes a tombstone when %s', (_what, stored) => {
    expect(allOf(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(tombstone);
  });

  it.each([
    ['a later heartbeat', anna('release', HEARTBEAT + 1)],
    ['a much later heartbeat', anna('release', HEARTBEAT + 20_000)],
    ['a later leave', anna(null, HEARTBEAT + 2)],
  ])('a stored record with %s prevents the tombstone, and becomes a remote one', (_what, stored) => {
    expect(allOf(replica, stored, EXPIRED, { endedBy: HEARTBEAT })).toEqual(stored);
    expect(replica.own.recordsSize).toBe(0);
    expect(replica.remote.recordsSize).toBe(1);
  });

  it('a later heartbeat of an earlier merge prevents the tombstone too', () => {
    mergeStored(replica, anna('release', 25_000), EXPIRED);
    expect(allOf(replica, copy, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(anna('release', 25_000));
  });

  it('a replica returns the stored record in kept, with its expiry, before endedBy', () => {
    const entry = { mood: 'presence', lastSeen: HEARTBEAT, expiresAt: 90_000 } as const;
    expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, NEVER).kept).toEqual(
      new Map([[ANNA, entry]]),
    );
    expect(replica.mergeStored(new Map([[ANNA, entry]]), EXPIRED, HEARTBEAT).kept).toEqual(new Map());
  });

  it.each([NEVER, HEARTBEAT])(
    'a fresh copy in a later merge does not revive the session: endedBy %d',
    (endedBy) => {
      const fresh = { countsMs: 140_000, endedBy };
      mergeStored(replica, NONE, EXPIRED, { endedBy });
      for (const now of [EXPIRED + 1, 60_000, HEARTBEAT + 140_000 - 1]) {
        mergeStored(replica, copy, now, fresh);
        expect(replica.counts).toEqual(ZERO_COUNTS);
        expect(replica.remote.recordsSize).toBe(0);
      }
    },
  );

  it('a replica remembers the tombstone for tombstoneTtlMs after the last heartbeat', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs - 1);
    expect(replica.own.recordsSize).toBe(1);
    replica.expire(HEARTBEAT + TIMING.tombstoneTtlMs);
    expect(replica.own.recordsSize).toBe(0);
  });

  it('a replica that reads its tombstone back has it as its own record only', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    expect(allOf(replica, tombstone, EXPIRED + 1, { endedBy: HEARTBEAT })).toEqual(tombstone);
    expect(replica.own.recordsSize).toBe(1);
    expect(replica.remote.recordsSize).toBe(0);
  });

  it.each([
    ['overrules a copy of the heartbeat', copy, 0],
    ['loses to a heartbeat 1 ms later', anna('release', HEARTBEAT + 1), 1],
    ['loses to a heartbeat 20 s later', anna('release', HEARTBEAT + 20_000), 1],
  ])('the tombstone %s at its owner and at another replica', (_what, later, count) => {
    const written = allOf(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
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

  it('a heartbeat after the tombstone brings the session back with a later stamp', () => {
    mergeStored(replica, copy, EXPIRED, { endedBy: HEARTBEAT });
    replica.heartbeat(ANNA, 'release', EXPIRED, HEARTBEAT + 1);
    expect(allOf(replica, tombstone, EXPIRED)).toEqual(anna('release', HEARTBEAT + 2));
    expect(replica.own.recordsSize).toBe(1);
  });

  it('a heartbeat before endedBy brings the session back, and no tombstone follows', () => {
    mergeStored(replica, copy, EXPIRED);
    replica.heartbeat(ANNA, 'release', EXPIRED + 1);
    const merged = allOf(replica, copy, EXPIRED + 2, { endedBy: HEARTBEAT });
    expect(merged).toEqual(anna('release', EXPIRED + 1));
  });

  it('the tombstone is 1 ms after the stamp, where that stamp is ahead of the clock', () => {
    replica.leave(ANNA, HEARTBEAT);
    replica.heartbeat(ANNA, 'presence', HEARTBEAT);
    expect(allOf(replica, NONE, EXPIRED, { endedBy: HEARTBEAT })).toEqual(anna(null, HEARTBEAT + 3));
  });

  it('a replica ends each session by its own last heartbeat', () => {
    replica.heartbeat(BEN, 'presence', HEARTBEAT + 1);
    const stored = new Map([...copy, [BEN, { mood: 'presence' as const, lastSeen: HEARTBEAT + 1 }]]);
    const { kept } = mergeStored(replica, stored, EXPIRED + 1, { endedBy: HEARTBEAT });
    expect([...kept.keys()]).toEqual([BEN]);
    expect(recordsIn(new Map(replica.own))).toEqual(tombstone);
    mergeStored(replica, stored, EXPIRED + 2, { endedBy: HEARTBEAT + 1 });
    expect(replica.own.recordsSize).toBe(2);
  });
});

describe('a replica whose hub sends changes', () => {
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

  it('a replica asks for sessions that expired or expire soon, until the hub has no more or they come back', () => {
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

  it('a replica asks again for an expired session while the hub still counts it', () => {
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

  it('an answer that comes a TTL after its call adds no session', () => {
    const late = { ...NOTHING, records: anna('presence', 1), isSnapshot: true, sentAt: 1_000 };
    replica.applyAnswer(late, 30_999);
    expect(replica.counts.presence).toBe(1);
    replica.applyAnswer(late, 31_000);
    expect(replica.counts).toEqual(ZERO_COUNTS);
  });

  it('a replica sends the missing own sessions and tombstones to a hub that lost its memory, and reports that', () => {
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

  it('a replica reports that the hub is behind when a pin or an earlier leave contradicts its answer', () => {
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

  it('a session that comes back after it has expired, and after it has left, counts once', () => {
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

  it('a replica forgets an unsent tombstone when no copy of the session can come back', () => {
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

  it('a replica remembers a remote leave for two sync intervals, and a remote expiry not at all', () => {
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

describe('a replica with a limit', () => {
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

  it('a replica at its limit drops remote tombstones before remote sessions', () => {
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
