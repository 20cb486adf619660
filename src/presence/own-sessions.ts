import { Roster, type RosterEntry } from './roster';
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
 * The sessions whose last heartbeat or leave came to this replica: the present ones, tombstones of those that left, and the last
 * stamps of those that expired. While an ended session is remembered, no older copy revives it. At most `endedMax` are
 * remembered.
 *
 * A change gets a stamp later than all stamps known of its session, if need be by 1 ms. So heartbeat, leave, heartbeat within
 * one millisecond end in the right order in every replica.
 */
export class OwnSessions {
  readonly #timing: Timing;
  readonly #endedMax: number;
  readonly #present = new Roster();
  readonly #left = new Roster();
  /** Without a mood. Another replica may know a later heartbeat. */
  readonly #expired = new Roster();
  /** Keys of sessions and tombstones that a hub of changes may not have. */
  readonly #unsent = new Set<string>();

  constructor(timing: Timing, endedMax: number) {
    this.#timing = timing;
    this.#endedMax = endedMax;
  }

  get counts(): MoodCounts {
    return this.#present.counts;
  }

  /** Number of present sessions. */
  get size(): number {
    return this.#present.size;
  }

  /** Number of present sessions and tombstones. */
  get recordsSize(): number {
    return this.#present.size + this.#left.size;
  }

  /** The present sessions, then the tombstones. */
  *[Symbol.iterator](): IterableIterator<[string, RosterEntry]> {
    yield* this.#present;
    yield* this.#left;
  }

  /** A present session or a tombstone. */
  get(key: string): RosterEntry | undefined {
    return this.#present.get(key) ?? this.#left.get(key);
  }

  isPresent(key: string): boolean {
    return this.#present.get(key) !== undefined;
  }

  getExpired(key: string): RosterEntry | undefined {
    return this.#expired.get(key);
  }

  /** A heartbeat that came `at` that time (ms). `remote` is what another replica knows of the session. */
  heartbeat(key: string, mood: Mood, at: number, remote?: SessionRecord): void {
    const lastSeen = stampAfter(at, this.get(key), remote);
    this.#left.delete(key);
    this.#expired.delete(key);
    this.#present.set(key, mood, at + this.#timing.ttlMs, lastSeen);
    this.#unsent.add(key);
  }

  /** Gives a present session another mood and a later stamp. It expires as before. */
  restamp(key: string, mood: Mood, lastSeen: number): void {
    this.#present.restamp(key, mood, lastSeen);
    this.#unsent.add(key);
  }

  /** Keeps a tombstone of a session that left `at` that time (ms). */
  leave(key: string, at: number, remote?: SessionRecord): void {
    const lastSeen = stampAfter(at, this.#present.delete(key), remote);
    this.#expired.delete(key);
    this.#left.set(key, null, at + this.#timing.tombstoneTtlMs, lastSeen);
    this.#unsent.add(key);
    this.#dropBeyondMax();
  }

  /** Another replica holds the session now. */
  giveUp(key: string): void {
    this.#present.delete(key);
    this.#left.delete(key);
    this.#unsent.delete(key);
  }

  /** Ends sessions whose last heartbeat is a TTL old, and drops ended ones that no copy can revive any more. */
  expire(now: number): void {
    const { ttlMs, tombstoneTtlMs } = this.#timing;
    for (const [key, { expiresAt, lastSeen }] of this.#present.expire(now)) {
      this.#unsent.delete(key);
      this.#expired.set(key, null, expiresAt - ttlMs + tombstoneTtlMs, lastSeen);
    }
    for (const [key] of this.#left.expire(now)) this.#unsent.delete(key);
    this.#expired.expire(now);
    this.#dropBeyondMax();
  }

  /**
   * What to send to a hub of changes: what it may not have; sessions that expired here; and those that expire by `expiringBy`
   * (ms) unless a heartbeat comes. The hub's answer says where another replica had a later heartbeat of the last two.
   */
  outbox(expiringBy: number): Map<string, SessionRecord> {
    const outbox = new Map<string, SessionRecord>(this.#expired);
    for (const [key, entry] of this.#present) {
      if (entry.expiresAt > expiringBy) break;
      outbox.set(key, entry);
    }
    for (const key of this.#unsent) {
      const record = this.get(key);
      if (record !== undefined) outbox.set(key, record);
    }
    return outbox;
  }

  /** The hub has what was sent, unless it changed meanwhile. */
  acknowledge(sent: SessionRecords, answer: SessionRecords): void {
    for (const [key, record] of sent) {
      if (this.get(key) === record) this.#unsent.delete(key);
      // Without a later heartbeat elsewhere, an expired session is over for good.
      if (record.mood === null && (answer.get(key)?.mood ?? null) === null) this.#expired.delete(key);
    }
  }

  acknowledgeAll(): void {
    this.#unsent.clear();
  }

  /** Another replica has a later heartbeat of a session that expired here. */
  forgetExpired(key: string): void {
    this.#expired.delete(key);
  }

  /** Queues what a hub that lost its memory lacks. Returns whether there is anything. */
  queueMissing(snapshot: SessionRecords, sent: SessionRecords): boolean {
    let isMissing = false;
    for (const [key, record] of this) {
      const theirs = snapshot.get(key);
      if (sent.has(key) || (theirs !== undefined && !overrules(record, theirs))) continue;
      this.#unsent.add(key);
      isMissing = true;
    }
    return isMissing;
  }

  /** An older copy may revive a session that is dropped early, for at most the time that such a copy counts. */
  #dropBeyondMax(): void {
    while (this.#left.size + this.#expired.size > this.#endedMax) {
      // The hub may not have a tombstone yet, so an expired session goes first.
      const ended = this.#expired.size > 0 ? this.#expired : this.#left;
      // An eighth at once: the walk over the holes at a Map's front then costs O(1), amortised.
      for (const key of ended.dropFirst(Math.ceil(this.#endedMax / 8))) this.#unsent.delete(key);
    }
  }
}
