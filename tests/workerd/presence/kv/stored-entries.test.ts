import { describe, expect, it } from 'vitest';
import {
  type Entries,
  forEachToStore,
  parseStored,
  type StoredValue,
} from '../../../../src/presence/kv/stored-entries';
import { Replica } from '../../../../src/presence/replica';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { StoredRecord } from '../../../../src/presence/stored-sessions';
import { kvTiming } from '../../../../src/presence/timing';
import { formatSessions } from '../../../support/format-sessions';
import { sessionId } from '../../../support/session-id';

const TIMING = kvTiming(30_000, 10_000);
const { leaseMs, aloneExtensionMs, remoteTtlMs } = TIMING;
const EXTENDED_MS = remoteTtlMs + aloneExtensionMs;
const NOW = 1_000_000;
const NEVER = Number.NEGATIVE_INFINITY;
const [ANNA, BEN, CARL, DORA] = [1, 2, 3, 4].map(sessionId) as [string, string, string, string];

const summaryOf = (lease: number) => ({ at: NOW, until: NOW + lease, moods: ZERO_COUNTS });
const ALONE = summaryOf(leaseMs + aloneExtensionMs);
const SHARED = summaryOf(leaseMs);

/** Returns what a replica reads from a key with these sessions. */
function storedValue(
  sessions: Iterable<readonly [string, StoredRecord]>,
  summary: StoredValue['summary'],
): StoredValue {
  return parseStored(formatSessions(sessions), summary, NOW, TIMING);
}

const present = (lastSeen: number): StoredRecord => ({ mood: 'presence', lastSeen });
const left = (lastSeen: number): StoredRecord => ({ mood: null, lastSeen });
const extended = (record: StoredRecord): StoredRecord => ({ ...record, rests: true });

describe('reads', () => {
  it.each([
    [
      'without a summary',
      'records with rests and tombstones',
      undefined,
      [remoteTtlMs, EXTENDED_MS, EXTENDED_MS],
    ],
    [
      'whose writer shares its location',
      'records with rests and tombstones',
      SHARED,
      [remoteTtlMs, EXTENDED_MS, EXTENDED_MS],
    ],
    [
      'of this version, whose writer was alone,',
      'records with rests and tombstones',
      { ...ALONE, marksRest: true as const },
      [remoteTtlMs, EXTENDED_MS, EXTENDED_MS],
    ],
    [
      'of version 1.0, whose writer was alone,',
      'all records',
      ALONE,
      [EXTENDED_MS, EXTENDED_MS, EXTENDED_MS],
    ],
    [
      'of version 1.0 with a lease that is 1 ms longer',
      'all records',
      summaryOf(leaseMs + 1),
      [EXTENDED_MS, EXTENDED_MS, EXTENDED_MS],
    ],
  ] as const)('a reader of a value %s extends %s', (_value, _records, summary, countMs) => {
    const records = [
      [ANNA, present(NOW)],
      [BEN, left(NOW - 1)],
      [CARL, extended(present(NOW - 2))],
    ] as const;
    const entries = storedValue(records, summary).sessions;
    expect([...entries]).toEqual(
      records.map(([id, { mood, lastSeen }], n) => [
        id,
        { mood, lastSeen, expiresAt: lastSeen + (countMs[n] ?? Number.NaN) },
      ]),
    );
  });
});

describe('writes', () => {
  /** Returns what the replica writes. */
  function written(replica: Replica, kept: Entries = new Map(), isAlone = false) {
    const all: (readonly [string, StoredRecord])[] = [];
    forEachToStore(replica, kept, isAlone, TIMING, (id, { mood, lastSeen }, rests) =>
      all.push([id, rests ? { mood, lastSeen, rests } : { mood, lastSeen }]),
    );
    return all;
  }

  /** Merges a read, and returns what the replica writes after it. */
  function rewrite(replica: Replica, value: StoredValue, now = NOW, endedBy = NEVER, isAlone = false) {
    return written(replica, replica.mergeStored(value.sessions, now, endedBy).kept, isAlone);
  }
  /** Returns the entries as the next reader has them. */
  const readBack = (entries: readonly (readonly [string, StoredRecord])[], summary = SHARED) =>
    storedValue(entries, summary).sessions;

  it('a session of a writer that was alone keeps its longer time when two other replicas write it again', () => {
    const first = rewrite(new Replica(TIMING), storedValue([[ANNA, present(NOW)]], ALONE));
    expect(first).toEqual([[ANNA, extended(present(NOW))]]);
    const second = rewrite(new Replica(TIMING), storedValue(first, SHARED));
    expect(second).toEqual(first);
    expect(readBack(second).get(ANNA)?.expiresAt).toBe(NOW + EXTENDED_MS);
  });

  it('a tombstone of a writer that was alone keeps its longer time in the next write', () => {
    const written = rewrite(new Replica(TIMING), storedValue([[ANNA, left(NOW)]], ALONE));
    expect(written).toEqual([[ANNA, extended(left(NOW))]]);
  });

  it('a replica that is alone marks its own present sessions, and no remote ones', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(BEN, 'release', NOW);
    replica.heartbeat(CARL, 'presence', NOW - 1);
    replica.leave(CARL, NOW);
    expect(rewrite(replica, storedValue([[ANNA, present(NOW)]], SHARED), NOW, NEVER, true)).toEqual([
      [CARL, left(NOW)],
      [ANNA, present(NOW)],
      [BEN, extended({ mood: 'release', lastSeen: NOW })],
    ]);
  });

  it('a session of a shared location counts for the usual time after another replica wrote it again', () => {
    const written = rewrite(new Replica(TIMING), storedValue([[ANNA, present(NOW)]], SHARED));
    expect(written).toEqual([[ANNA, present(NOW)]]);
    expect(readBack(written).get(ANNA)?.expiresAt).toBe(NOW + remoteTtlMs);
  });

  it('a stored record whose session expired here keeps its longer time in the next write', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW - TIMING.ttlMs);
    const value = storedValue([[ANNA, present(NOW - TIMING.ttlMs)]], ALONE);
    expect(rewrite(replica, value)).toEqual([[ANNA, extended(present(NOW - TIMING.ttlMs))]]);
  });

  it('a replica writes an extended session that moved to it without rests', () => {
    const replica = new Replica(TIMING);
    replica.mergeStored(storedValue([[ANNA, present(NOW)]], ALONE).sessions, NOW, NEVER);
    replica.heartbeat(ANNA, 'release', NOW + 1);
    expect(written(replica)).toEqual([[ANNA, { mood: 'release', lastSeen: NOW + 1 }]]);
  });

  it('a write has own tombstones first, then kept and remote records, then own present sessions', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW - TIMING.ttlMs);
    replica.heartbeat(BEN, 'presence', NOW - 1_000);
    replica.heartbeat(CARL, 'presence', NOW - 1_000);
    replica.leave(CARL, NOW - 500);
    const value = storedValue(
      [
        [DORA, present(NOW)],
        [ANNA, present(NOW - TIMING.ttlMs)],
      ],
      SHARED,
    );
    expect(rewrite(replica, value).map(([id]) => id)).toEqual([CARL, ANNA, DORA, BEN]);
  });

  it('a write has the tombstone of a session that expired here before own present sessions', () => {
    const replica = new Replica(TIMING);
    replica.heartbeat(ANNA, 'presence', NOW - TIMING.ttlMs);
    replica.heartbeat(BEN, 'presence', NOW - 1_000);
    const value = storedValue([[ANNA, present(NOW - TIMING.ttlMs)]], SHARED);
    const written = rewrite(replica, value, NOW, NOW - TIMING.ttlMs);
    expect(written.map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }])).toEqual([
      [ANNA, left(NOW - TIMING.ttlMs + 1)],
      [BEN, present(NOW - 1_000)],
    ]);
  });
});
