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
import { allOf, mergeStored } from './stored-merge';

const TIMING = kvTiming(30_000, 10_000);
/** So long `mergeStored` lets a record count. */
const KEPT_MS = 70_000;

// Few ids, short times: so that everything happens to the same sessions at the same moments.
const anId = fc.integer({ min: 0, max: 5 }).map(sessionId);
const aMood = fc.constantFrom<Mood>(...MOODS);
const aTime = fc.integer({ min: 2, max: 60_000 });
const aRecord = fc.record({ mood: fc.option(aMood, { nil: null }), lastSeen: aTime });
const records: fc.Arbitrary<SessionRecords> = fc
  .array(fc.tuple(anId, aRecord), { maxLength: 6 })
  .map((entries) => new Map(entries));

/** A replica that holds just these records. */
function replicaOf(from: SessionRecords): Replica {
  const replica = new Replica(kvTiming(1e9, 0));
  for (const [id, { mood, lastSeen }] of [...from].sort(([, a], [, b]) => a.lastSeen - b.lastSeen)) {
    replica.heartbeat(id, mood ?? 'presence', mood === null ? lastSeen - 1 : lastSeen);
    if (mood === null) replica.leave(id, lastSeen);
  }
  return replica;
}
const merge = (a: SessionRecords, b: SessionRecords) => allOf(replicaOf(a), b, 60_000);

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

interface Own {
  readonly mood: Mood | null;
  readonly at: number;
  readonly lastSeen: number;
}

/** The rules of a replica, as simply as can be: everything that was ever known, judged again at each question. */
class NaiveReplica {
  readonly #own = new Map<string, Own>();
  #remote: SessionRecords = new Map();
  readonly #leaves = new Map<string, number>();
  readonly #pinned = new Set<string>();

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

  merge(stored: SessionRecords, now: number): void {
    const remote = new Map<string, SessionRecord>();
    this.#remote = new Map();
    for (const [id, theirs] of stored) {
      if (theirs.lastSeen <= now - KEPT_MS) continue;
      const expired = this.#own.get(id);
      const own = this.#ownRecord(id, now);
      if (expired !== undefined && own === undefined && expired.at > now - TIMING.tombstoneTtlMs)
        if (theirs.lastSeen <= expired.lastSeen) continue;
      const leftAt = this.#leaves.get(id);
      if (leftAt !== undefined && leftAt > now - TIMING.remoteTtlMs && theirs.mood !== null) {
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

  #remoteRecord(id: string, now: number): SessionRecord | undefined {
    const remote = this.#remote.get(id);
    return remote !== undefined && remote.lastSeen > now - KEPT_MS ? remote : undefined;
  }
}

type Step =
  | { readonly do: 'heartbeat'; readonly id: string; readonly mood: Mood; readonly waits: boolean }
  | { readonly do: 'leave'; readonly id: string }
  | { readonly do: 'merge'; readonly stored: readonly (readonly [string, Mood | null, number])[] }
  | { readonly do: 'end of a sync' };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('heartbeat' as const), id: anId, mood: aMood, waits: fc.boolean() }),
  fc.record({ do: fc.constant('leave' as const), id: anId }),
  fc.record({
    do: fc.constant('merge' as const),
    // Times of stored records are offsets from now: mostly past, some ahead by what a clock may be.
    stored: fc.array(
      fc.tuple(anId, fc.option(aMood, { nil: null }), fc.integer({ min: -75_000, max: CLOCK_SKEW_MAX_MS })),
      { maxLength: 4 },
    ),
  }),
  fc.record({ do: fc.constant('end of a sync' as const) }),
);
const aPause = fc.oneof(fc.constantFrom(0, 1, 10_000, 29_999, 30_000), fc.integer({ min: 0, max: 20_000 }));

describe('a replica beside a naive one', () => {
  it('counts the same after any heartbeats, leaves and merges', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(aPause, aStep), { maxLength: 40 }), (steps) => {
        const replica = new Replica(TIMING);
        const naive = new NaiveReplica();
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
            mergeStored(replica, stored, now);
            naive.merge(stored, now);
          }
          replica.expire(now);
          expect(replica.counts).toEqual(naive.counts(now));
        }
      }),
      { numRuns: 1_000 },
    ));
});
