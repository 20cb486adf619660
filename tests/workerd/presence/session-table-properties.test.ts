import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { MOODS, type Mood, NOBODY, overrules, type SessionRecords } from '../../../src/presence/session';
import { SessionTable } from '../../../src/presence/session-table';
import { kvTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { recordsIn } from './records-in';

const TIMING = kvTiming(30_000, 10_000);
const KEPT_MS = TIMING.tombstoneTtlMs;

// Few ids, short times: so that everything happens to the same sessions at the same moments.
const anId = fc.integer({ min: 0, max: 5 }).map(sessionId);
const aMood = fc.constantFrom<Mood>(...MOODS);
const aTime = fc.integer({ min: 1, max: 60_000 });
const aRecord = fc.record({ mood: fc.option(aMood, { nil: null }), lastSeen: aTime });
const records: fc.Arbitrary<SessionRecords> = fc
  .array(fc.tuple(anId, aRecord), { maxLength: 6 })
  .map((entries) => new Map(entries));

/** A table that holds just these records. */
function tableOf(from: SessionRecords): SessionTable {
  const table = new SessionTable(kvTiming(1e9, 0));
  for (const [id, { mood, lastSeen }] of [...from].sort(([, a], [, b]) => a.lastSeen - b.lastSeen)) {
    if (mood === null) table.leave(id, lastSeen, { mood: 'presence', lastSeen: 0 });
    else table.touch(id, mood, lastSeen);
  }
  return table;
}
const merge = (a: SessionRecords, b: SessionRecords) => recordsIn(tableOf(a).merge(b, 60_000).all);

describe('the merge', () => {
  it('is commutative: replicas that hear of each other agree', () =>
    fc.assert(
      fc.property(records, records, (a, b) => {
        expect(merge(a, b)).toEqual(merge(b, a));
      }),
    ));

  it('is associative: the order of the syncs does not matter', () =>
    fc.assert(
      fc.property(records, records, records, (a, b, c) => {
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      }),
    ));

  it('is idempotent: hearing a thing twice changes nothing', () =>
    fc.assert(
      fc.property(records, records, (a, b) => {
        expect(merge(a, a)).toEqual(a);
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
      }),
    ));
});

/** What the table should do, written down as simply as can be: a list of everything that is known, searched every time. */
class NaiveTable {
  known: { id: string; mood: Mood | null; heardAt: number; lastSeen: number }[] = [];

  #replace(id: string, mood: Mood | null, now: number): void {
    const before = this.known.find((one) => one.id === id)?.lastSeen ?? 0;
    const lastSeen = Math.min(Math.max(now, before + 1), now + CLOCK_SKEW_MAX_MS);
    this.known = this.known.filter((one) => one.id !== id);
    this.known.push({ id, mood, heardAt: now, lastSeen });
  }

  touch(id: string, mood: Mood, now: number): void {
    this.#replace(id, mood, now);
  }

  leave(id: string, now: number): void {
    if (this.#isLive(id, now)) this.#replace(id, null, now);
  }

  merge(stored: SessionRecords, now: number): string[] {
    const elsewhere: string[] = [];
    for (const [id, theirs] of stored) {
      if (theirs.lastSeen <= now - KEPT_MS) continue;
      const mine = this.known.find((one) => one.id === id && one.heardAt > now - KEPT_MS);
      const expired = mine !== undefined && mine.mood !== null && !this.#isLive(id, now);
      if (mine !== undefined && !expired && !overrules(theirs, mine)) continue;
      if (expired && theirs.lastSeen <= mine.lastSeen) continue;
      if (!expired) this.known = this.known.filter((one) => one.id !== id);
      elsewhere.push(id);
    }
    return elsewhere.sort();
  }

  #isLive(id: string, now: number): boolean {
    return this.known.some((one) => one.id === id && one.mood !== null && one.heardAt > now - TIMING.ttlMs);
  }

  counts(now: number) {
    const counts = { ...NOBODY };
    for (const { id, mood } of this.known) if (mood !== null && this.#isLive(id, now)) counts[mood] += 1;
    return counts;
  }
}

type Step =
  | { readonly do: 'touch'; readonly id: string; readonly mood: Mood }
  | { readonly do: 'leave'; readonly id: string }
  | { readonly do: 'merge'; readonly stored: readonly (readonly [string, Mood | null, number])[] }
  | { readonly do: 'expire' };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('touch' as const), id: anId, mood: aMood }),
  fc.record({ do: fc.constant('leave' as const), id: anId }),
  fc.record({
    do: fc.constant('merge' as const),
    // Times of stored records are offsets from now: mostly past, some ahead by what a clock may be.
    stored: fc.array(
      fc.tuple(anId, fc.option(aMood, { nil: null }), fc.integer({ min: -60_000, max: CLOCK_SKEW_MAX_MS })),
      { maxLength: 4 },
    ),
  }),
  fc.record({ do: fc.constant('expire' as const) }),
);
const aPause = fc.oneof(fc.constantFrom(0, 1, 10_000, 29_999, 30_000), fc.integer({ min: 0, max: 20_000 }));

describe('a session table beside a naive one', () => {
  it('says the same after any touches, leaves, merges and expiries', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(aPause, aStep), { maxLength: 40 }), (steps) => {
        const table = new SessionTable(TIMING);
        const naive = new NaiveTable();
        let now = 1_000_000;
        for (const [pause, step] of steps) {
          now += pause;
          table.expire(now);
          switch (step.do) {
            case 'touch':
              table.touch(step.id, step.mood, now);
              naive.touch(step.id, step.mood, now);
              break;
            case 'leave':
              table.leave(step.id, now);
              naive.leave(step.id, now);
              break;
            case 'merge': {
              const stored = new Map(step.stored.map(([id, mood, at]) => [id, { mood, lastSeen: now + at }]));
              expect([...table.merge(stored, now).elsewhere.keys()].sort()).toEqual(naive.merge(stored, now));
              break;
            }
            case 'expire':
              break;
          }
          expect(table.counts).toEqual(naive.counts(now));
        }
      }),
      { numRuns: 500 },
    ));
});
