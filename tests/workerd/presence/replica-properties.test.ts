import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS } from '../../../src/limits';
import { MOODS } from '../../../src/moods';
import { Replica } from '../../../src/presence/replica';
import {
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
  ZERO_COUNTS,
} from '../../../src/presence/session';
import { kvTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';
import { mergeStored, storedAfterMerge } from './replica-records';

const TIMING = kvTiming(30_000, 10_000);
/** A stored record counts this long. Its tombstone stays longer, by more than the allowed clock skew. */
const COUNTS_MS = [70_000, 140_000] as const;

// Few ids and short times, otherwise few steps concern the same session.
const anId = fc.integer({ min: 0, max: 5 }).map(sessionId);
const aMood = fc.constantFrom<Mood>(...MOODS);
const aTime = fc.integer({ min: 2, max: 60_000 });
const aRecord = fc.record({ mood: fc.option(aMood, { nil: null }), lastSeen: aTime });
const records: fc.Arbitrary<SessionRecords> = fc
  .array(fc.tuple(anId, aRecord), { maxLength: 6 })
  .map((entries) => new Map(entries));

/** Returns a replica that holds exactly these records. */
function replicaOf(from: SessionRecords): Replica {
  const replica = new Replica(kvTiming(1e9, 0));
  for (const [id, { mood, lastSeen }] of [...from].sort(([, a], [, b]) => a.lastSeen - b.lastSeen)) {
    replica.heartbeat(id, mood ?? 'presence', mood === null ? lastSeen - 1 : lastSeen);
    if (mood === null) replica.leave(id, lastSeen);
  }
  return replica;
}
const merge = (a: SessionRecords, b: SessionRecords) => storedAfterMerge(replicaOf(a), b, 60_000);

describe('the merge of records', () => {
  it('the merge is commutative, so two replicas that merge each other agree', () =>
    fc.assert(
      fc.property(records, records, (a, b) => {
        expect(merge(a, b)).toEqual(merge(b, a));
      }),
    ));

  it('the merge is associative, so the order of the syncs changes nothing', () =>
    fc.assert(
      fc.property(records, records, records, (a, b, c) => {
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      }),
    ));

  it('the merge is idempotent, so a record that arrives twice changes nothing', () =>
    fc.assert(
      fc.property(records, records, (a, b) => {
        expect(merge(a, a)).toEqual(a);
        expect(merge(merge(a, b), b)).toEqual(merge(a, b));
      }),
    ));
});

interface Own {
  readonly mood: Mood | null;
  readonly at: number;
  readonly lastSeen: number;
}

/** The rules of a replica in their simplest form. It keeps all records, and compares their times at each query. */
class NaiveReplica {
  readonly #countsMs: number;
  readonly #own = new Map<string, Own>();
  #remote: SessionRecords = new Map();
  readonly #leaves = new Map<string, number>();
  readonly #pinned = new Set<string>();

  constructor(countsMs: number) {
    this.#countsMs = countsMs;
  }

  heartbeat(id: string, mood: Mood, now: number): void {
    this.#set(id, mood, now, now);
  }

  leave(id: string, now: number): void {
    this.#pinned.delete(id);
    if ((this.#ownRecord(id, now) ?? this.#remoteRecord(id, now))?.mood) this.#set(id, null, now, now);
    else this.#leaves.set(id, now);
  }

  pin(id: string): void {
    this.#pinned.add(id);
  }

  unpinAll(): void {
    this.#pinned.clear();
  }

  /** Returns the ids of the records that stay stored and do not count. */
  merge(stored: SessionRecords, now: number, endedBy: number): Set<string> {
    const all = this.#withKnown(stored, now);
    this.#endExpired(endedBy, all, now);
    const kept = new Set<string>();
    const remote = new Map<string, SessionRecord>();
    this.#remote = new Map();
    for (const [id, theirs] of all) {
      if (theirs.lastSeen <= now - this.#countsMs) continue;
      const expired = this.#expiredRecord(id, now);
      if (expired !== undefined && theirs.lastSeen <= expired.lastSeen) {
        kept.add(id);
        continue;
      }
      const own = this.#ownRecord(id, now);
      const leftAt = this.#leaves.get(id);
      if (leftAt !== undefined && leftAt > now - TIMING.tombstoneTtlMs && theirs.mood !== null) {
        this.#leaves.delete(id);
        if (theirs.lastSeen <= leftAt) {
          this.#set(id, null, leftAt, now, theirs);
          continue;
        }
      }
      if (own === undefined) remote.set(id, theirs);
      else if (overrules(theirs, own)) {
        if (own.mood !== null && this.#pinned.has(id)) {
          const mood = (theirs.lastSeen <= now ? theirs.mood : null) ?? own.mood;
          const past = theirs.mood === null ? theirs.lastSeen : theirs.lastSeen + 1;
          const lastSeen = Math.min(past, now + CLOCK_SKEW_MAX_MS);
          this.#own.set(id, { mood, at: own.at, lastSeen });
        } else {
          this.#own.delete(id);
          remote.set(id, theirs);
        }
      }
    }
    this.#remote = remote;
    return kept;
  }

  /** Returns the stored records, or newer ones of an earlier merge. */
  #withKnown(stored: SessionRecords, now: number): SessionRecords {
    const all = new Map(stored);
    for (const id of this.#remote.keys()) {
      const known = this.#remoteRecord(id, now);
      const theirs = all.get(id);
      if (known !== undefined && (theirs === undefined || overrules(known, theirs))) all.set(id, known);
    }
    return all;
  }

  #endExpired(endedBy: number, all: SessionRecords, now: number): void {
    for (const id of [...this.#own.keys()]) {
      const expired = this.#expiredRecord(id, now);
      if (expired === undefined || expired.at > endedBy) continue;
      const { at, lastSeen } = expired;
      if ((all.get(id)?.lastSeen ?? 0) > lastSeen) this.#own.delete(id);
      else this.#own.set(id, { mood: null, at, lastSeen: lastSeen + 1 });
    }
  }

  /** Returns the stamp of the last own record, also of an expired one. */
  ownStamp(id: string): number | undefined {
    return this.#own.get(id)?.lastSeen;
  }

  counts(now: number): MoodCounts {
    const counts = { ...ZERO_COUNTS };
    for (const id of new Set([...this.#own.keys(), ...this.#remote.keys()])) {
      const mood = (this.#ownRecord(id, now) ?? this.#remoteRecord(id, now))?.mood;
      if (mood) counts[mood] += 1;
    }
    return counts;
  }

  #set(id: string, mood: Mood | null, at: number, now: number, theirs = this.#remoteRecord(id, now)): void {
    this.#own.set(id, { mood, at, lastSeen: stampAfter(at, this.#ownRecord(id, now), theirs) });
    this.#remote = new Map([...this.#remote].filter(([one]) => one !== id));
    this.#leaves.delete(id);
  }

  #ownRecord(id: string, now: number): Own | undefined {
    const own = this.#own.get(id);
    const forMs = own?.mood === null ? TIMING.tombstoneTtlMs : TIMING.ttlMs;
    return own !== undefined && own.at > now - forMs ? own : undefined;
  }

  #expiredRecord(id: string, now: number): Own | undefined {
    const own = this.#own.get(id);
    if (own === undefined || own.mood === null || this.#ownRecord(id, now) !== undefined) return undefined;
    return own.at > now - TIMING.tombstoneTtlMs ? own : undefined;
  }

  #remoteRecord(id: string, now: number): SessionRecord | undefined {
    const remote = this.#remote.get(id);
    return remote !== undefined && remote.lastSeen > now - this.#countsMs ? remote : undefined;
  }
}

type Step =
  | { readonly do: 'heartbeat'; readonly id: string; readonly mood: Mood; readonly waits: boolean }
  | { readonly do: 'leave'; readonly id: string }
  | {
      readonly do: 'merge';
      readonly stored: readonly (readonly [string, Mood | null, number])[];
      readonly copies: readonly (readonly [string, Mood | null, number])[];
      readonly endAfterMs: number;
    }
  | { readonly do: 'end of a sync' };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('heartbeat' as const), id: anId, mood: aMood, waits: fc.boolean() }),
  fc.record({ do: fc.constant('leave' as const), id: anId }),
  fc.record({
    do: fc.constant('merge' as const),
    // Times of stored records are offsets from now: mostly past, a few ahead by the allowed clock skew.
    stored: fc.array(
      fc.tuple(anId, fc.option(aMood, { nil: null }), fc.integer({ min: -145_000, max: CLOCK_SKEW_MAX_MS })),
      { maxLength: 4 },
    ),
    // Times of copies are offsets from the own record.
    copies: fc.array(fc.tuple(anId, fc.option(aMood, { nil: null }), fc.integer({ min: -1, max: 2 })), {
      maxLength: 2,
    }),
    endAfterMs: fc.constantFrom(TIMING.ttlMs, TIMING.endAfterMs, Number.POSITIVE_INFINITY),
  }),
  fc.record({ do: fc.constant('end of a sync' as const) }),
);
const aPause = fc.oneof(
  fc.constantFrom(0, 1, 10_000, 19_999, 20_000, 29_999, 30_000),
  fc.integer({ min: 0, max: 20_000 }),
);

it('a replica counts and keeps the same sessions as a naive one after any heartbeats, leaves and merges', () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...COUNTS_MS),
      fc.array(fc.tuple(aPause, aStep), { maxLength: 40 }),
      (countsMs, steps) => {
        const replica = new Replica(TIMING);
        const naive = new NaiveReplica(countsMs);
        let now = 1_000_000;
        for (const [pause, step] of steps) {
          now += pause;
          for (const one of [replica, naive]) {
            if (step.do === 'heartbeat') one.heartbeat(step.id, step.mood, now);
            if (step.do === 'heartbeat' && step.waits) one.pin(step.id);
            if (step.do === 'leave') one.leave(step.id, now);
            if (step.do === 'end of a sync') one.unpinAll();
          }
          if (step.do === 'merge') {
            const stored = new Map(step.stored.map(([id, mood, at]) => [id, { mood, lastSeen: now + at }]));
            for (const [id, mood, later] of step.copies)
              stored.set(id, { mood, lastSeen: (naive.ownStamp(id) ?? now) + later });
            const endedBy = now - step.endAfterMs;
            const { kept } = mergeStored(replica, stored, now, { countsMs, endedBy });
            expect(new Set(kept.keys())).toEqual(naive.merge(stored, now, endedBy));
          }
          replica.expire(now);
          expect(replica.counts).toEqual(naive.counts(now));
        }
      },
    ),
    { numRuns: 1_000 },
  ));
