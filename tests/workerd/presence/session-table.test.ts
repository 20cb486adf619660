import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { NOBODY, type SessionRecord, type SessionRecords } from '../../../src/presence/session';
import { SessionTable } from '../../../src/presence/session-table';
import { kvTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { recordsIn } from './records-in';

const TIMING = kvTiming(30_000, 10_000);
const KEPT_MS = TIMING.tombstoneTtlMs;
const NONE: SessionRecords = new Map();
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

/** The records of a table, as a hub would get them. */
const recordsOf = (table: SessionTable, now: number) => recordsIn(table.merge(NONE, now).all);

describe('a session table', () => {
  it('keeps a session for the TTL after its last heartbeat, to the millisecond', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 0);
    table.expire(29_999);
    expect(table.counts).toEqual({ ...NOBODY, presence: 1 });
    table.expire(30_000);
    expect(table.counts).toEqual(NOBODY);
  });

  it('counts a session in its last mood only', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 0);
    table.touch(ANNA, 'release', 1);
    expect(table.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('ends beat, leave, beat within one millisecond with a session, and beat, leave without', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 5);
    table.touch(BEN, 'presence', 5);
    table.leave(ANNA, 5);
    table.leave(BEN, 5);
    table.touch(ANNA, 'gratitude', 5);
    expect(table.counts).toEqual({ ...NOBODY, gratitude: 1 });
    expect(recordsOf(table, 5)).toEqual(
      new Map([
        [ANNA, { mood: 'gratitude', lastSeen: 7 }],
        [BEN, { mood: null, lastSeen: 6 }],
      ]),
    );
  });

  it('does not expire a session later because its stamp ran ahead, nor the ones behind it', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 5);
    table.leave(ANNA, 5);
    table.touch(ANNA, 'presence', 5);
    table.touch(BEN, 'presence', 5);
    table.expire(30_005);
    expect(table.counts).toEqual(NOBODY);
  });

  it('stamps no session so far ahead that others would not believe it', () => {
    const table = new SessionTable(TIMING);
    for (let round = 0; round < 10_000; round += 1) {
      table.touch(ANNA, 'presence', 5);
      table.leave(ANNA, 5);
    }
    expect(recordsOf(table, 5).get(ANNA)).toEqual({ mood: null, lastSeen: 5 + CLOCK_SKEW_MAX_MS });
  });

  it('keeps no trace of a leave that nobody knew', () => {
    const table = new SessionTable(TIMING);
    expect(table.leave(ANNA, 5)).toBe(false);
    expect(table.leave(ANNA, 5, { mood: null, lastSeen: 4 })).toBe(false);
    expect(table.isEmpty).toBe(true);
  });

  it('keeps a tombstone as long as anybody may believe an old copy', () => {
    const old: SessionRecords = new Map([[ANNA, { mood: 'presence' as const, lastSeen: 5 }]]);
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 5);
    expect(table.leave(ANNA, 100)).toBe(true);
    const { all, elsewhere } = table.merge(old, 200);
    expect(recordsIn(all)).toEqual(new Map([[ANNA, { mood: null, lastSeen: 100 }]]));
    expect(elsewhere.size).toBe(0);
    table.expire(100 + KEPT_MS - 1);
    expect(table.isEmpty).toBe(false);
    table.expire(100 + KEPT_MS);
    expect(table.isEmpty).toBe(true);
  });

  it('leaves a session that it let expire out, unless somebody heard it later', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 1_000);
    const stored = (lastSeen: number) => new Map([[ANNA, { mood: 'presence' as const, lastSeen }]]);
    expect(table.merge(stored(1_000), 31_000).elsewhere.size).toBe(0);
    expect(table.merge(stored(1_001), 31_000).elsewhere.size).toBe(1);
  });

  it('puts nobody back who has expired since', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 1_000);
    expect(recordsOf(table, 30_999).size).toBe(1);
    expect(recordsOf(table, 31_000).size).toBe(0);
  });

  it('takes nobody out of what is stored who expired here, for as long as others may count him', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 1_000);
    const stored = new Map([[ANNA, { mood: 'presence' as const, lastSeen: 1_000 }]]);
    expect(table.merge(stored, 31_000).all).toEqual(stored);
    expect(table.merge(stored, 1_000 + TIMING.remoteTtlMs - 1).all).toEqual(stored);
    expect(table.merge(stored, 1_000 + TIMING.remoteTtlMs).all.size).toBe(0);
  });

  it('gives a session up that another replica heard later, and takes it back at its next heartbeat', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 1_000);
    const later: SessionRecord = { mood: 'release', lastSeen: 2_000 };
    const { all, elsewhere } = table.merge(new Map([[ANNA, later]]), 2_000);
    expect(table.counts).toEqual(NOBODY);
    expect(elsewhere).toEqual(new Map([[ANNA, later]]));
    expect(all).toEqual(elsewhere);
    // This clock is behind the other one, and yet this heartbeat is the later one.
    table.touch(ANNA, 'gratitude', 1_500, later);
    expect(recordsIn(table.merge(new Map([[ANNA, later]]), 2_000).all)).toEqual(
      new Map([[ANNA, { mood: 'gratitude', lastSeen: 2_001 }]]),
    );
  });

  it('doubts who expired or will soon, until that is settled or they are heard again', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 0);
    table.touch(BEN, 'presence', 10_000);
    expect([...table.doubtful(9_999)]).toEqual([ANNA]);
    expect([...table.doubtful(10_000)]).toEqual([ANNA, BEN]);
    table.expire(40_000);
    expect([...table.doubtful(0)]).toEqual([ANNA, BEN]);
    table.touch(ANNA, 'presence', 40_000);
    expect([...table.doubtful(0)]).toEqual([BEN]);
    table.settle(BEN);
    expect([...table.doubtful(0)]).toEqual([]);
  });

  it('holds a session once that comes back after it has expired, or is said to have left since', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 0);
    table.expire(TIMING.ttlMs);
    table.touch(ANNA, 'presence', TIMING.ttlMs);
    expect([...table]).toHaveLength(1);
    expect([...table.doubtful(0)]).toEqual([]);
    table.expire(2 * TIMING.ttlMs);
    table.leave(ANNA, 2 * TIMING.ttlMs, { mood: 'presence', lastSeen: 2 * TIMING.ttlMs - 1 });
    expect([...table]).toHaveLength(1);
    expect([...table.doubtful(0)]).toEqual([]);
  });

  it('stays in order when the clock steps back', () => {
    const table = new SessionTable(TIMING);
    table.touch(ANNA, 'presence', 10_000);
    table.touch(BEN, 'presence', 4_000);
    table.expire(39_999);
    expect(table.counts.presence).toBe(2);
    table.expire(40_000);
    expect(table.counts.presence).toBe(0);
  });
});
