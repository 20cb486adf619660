import { Roster } from './roster';
import {
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
} from './session';
import type { Timing } from './timing';

/**
 * The sessions whose last heartbeat this replica served. Pure rules: no clock, no I/O; `now` is in ms since 1970.
 *
 * Besides the live sessions it remembers those that left (tombstones) and those that it let expire, for as long as an older
 * copy may come back from the hub: it cannot revive them. Of those it remembers a limited number, the latest.
 *
 * It does not promise that `now` and `lastSeen` are equal: a change of a known session is stamped later than what is known
 * of it, if need be by 1 ms, so that beat, leave, beat within one millisecond end in the right order everywhere. It never
 * stamps further ahead than other replicas believe.
 */
export class SessionTable {
  readonly #timing: Timing;
  readonly #endedMax: number;
  readonly #live = new Roster();
  readonly #left = new Roster();
  readonly #expired = new Roster();

  /** @param endedMax How many sessions that left or expired it remembers at most. */
  constructor(timing: Timing, endedMax = Number.POSITIVE_INFINITY) {
    this.#timing = timing;
    this.#endedMax = endedMax;
  }

  get counts(): MoodCounts {
    return this.#live.counts;
  }

  /** Whether there is nothing to tell a hub: no session and no tombstone. */
  get isEmpty(): boolean {
    return this.#live.size === 0 && this.#left.size === 0;
  }

  /** How many sessions are present here. */
  get liveCount(): number {
    return this.#live.size;
  }

  has(id: string): boolean {
    return this.#live.get(id) !== undefined;
  }

  /** A heartbeat. `elsewhere` is what another replica knew of the session, if any did. */
  touch(id: string, mood: Mood, now: number, elsewhere?: SessionRecord): void {
    const lastSeen = stampAfter(now, this.#known(id), elsewhere);
    this.#left.delete(id);
    this.#expired.delete(id);
    this.#live.set(id, mood, now, lastSeen);
  }

  /** A leave. Returns whether anybody knew the session; one that nobody knew leaves no trace. */
  leave(id: string, now: number, elsewhere?: SessionRecord): boolean {
    const live = this.#live.delete(id);
    if (live === undefined && (elsewhere === undefined || elsewhere.mood === null)) return false;
    this.#expired.delete(id);
    this.#left.set(id, null, now, stampAfter(now, live, elsewhere));
    this.#forgetBeyondMax();
    return true;
  }

  /** Ends the sessions whose last heartbeat is a TTL old, and forgets what is remembered for longer than need be. */
  expire(now: number): void {
    const { ttlMs, tombstoneTtlMs } = this.#timing;
    for (const [id, { heardAt, lastSeen }] of this.#live.expire(now - ttlMs)) {
      this.#expired.set(id, null, heardAt, lastSeen);
    }
    this.#left.expire(now - tombstoneTtlMs);
    this.#expired.expire(now - tombstoneTtlMs);
    this.#forgetBeyondMax();
  }

  /** The last that was heard of a session here, also if it has left or expired since: then its `mood` is null. */
  last(id: string): SessionRecord | undefined {
    return this.#known(id) ?? this.#expired.get(id);
  }

  /** The sessions that live and those that left. */
  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    yield* this.#live;
    yield* this.#left;
  }

  /**
   * Those of whom somebody else may know more: who expired here, and who will unless they are heard after `until` (ms).
   * Costs a step for each of them.
   */
  *doubtful(until: number): IterableIterator<string> {
    for (const [id] of this.#expired) yield id;
    for (const [id, { heardAt }] of this.#live) {
      if (heardAt > until) return;
      yield id;
    }
  }

  /** What became of a session that expired here is known now. */
  settle(id: string): void {
    this.#expired.delete(id);
  }

  /**
   * Merges what the hub holds and still counts, the later time winning. Costs a walk over all sessions, once a sync.
   *
   * Returns `all`: what this replica and the hub know together, to be put back; and `elsewhere`: the part of it that this
   * replica does not hold, since another one heard it later. Such sessions leave this table. Both share the records of `stored` and
   * of this table: copies of 200,000 records take 10 MB.
   */
  merge<R extends SessionRecord>(
    stored: ReadonlyMap<string, R>,
    now: number,
  ): { all: Map<string, SessionRecord>; elsewhere: ReadonlyMap<string, R> } {
    this.expire(now);
    const old = now - this.#timing.remoteTtlMs;
    const all = new Map<string, SessionRecord>();
    const elsewhere = new Map<string, R>();
    for (const [id, theirs] of stored) {
      const isOver = this.#isOver(id, theirs);
      if (isOver && theirs.lastSeen <= old) continue;
      if (!this.#yield(id, theirs)) continue;
      all.set(id, theirs);
      if (!isOver) elsewhere.set(id, theirs);
    }
    for (const [id, record] of this) all.set(id, record);
    return { all, elsewhere };
  }

  /** Like `merge` where the hub tells only what is new and keeps the rest: costs a step for each record told. */
  learn(told: SessionRecords): SessionRecords {
    return new Map([...told].filter(([id, theirs]) => !this.#isOver(id, theirs) && this.#yield(id, theirs)));
  }

  /** A session that is forgotten early may be revived by an older copy, for at most the time that such a copy counts. */
  #forgetBeyondMax(): void {
    while (this.#left.size + this.#expired.size > this.#endedMax) {
      // A leave that the hub does not know yet is worth more than an expired session.
      const dropped = this.#expired.size > 0 ? this.#expired : this.#left;
      dropped.dropOldest(Math.ceil(this.#endedMax / ENDED_DROPPED_PART));
    }
  }

  #known(id: string): SessionRecord | undefined {
    return this.#live.get(id) ?? this.#left.get(id);
  }

  /** Whether this replica let the session expire and nobody has heard of it since. */
  #isOver(id: string, theirs: SessionRecord): boolean {
    const expired = this.#expired.get(id);
    return expired !== undefined && theirs.lastSeen <= expired.lastSeen;
  }

  /** Gives the session up if another replica heard it later. Returns whether it did, or never held it. */
  #yield(id: string, theirs: SessionRecord): boolean {
    const mine = this.#known(id);
    if (mine === undefined) return true;
    if (!overrules(theirs, mine)) return false;
    this.#live.delete(id);
    this.#left.delete(id);
    return true;
  }
}

/** This part of them is dropped at once, so that the walk over the holes at a Map's front costs O(1), amortised. */
const ENDED_DROPPED_PART = 8;
