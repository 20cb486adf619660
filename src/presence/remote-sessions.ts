import { Roster, type RosterEntry } from './roster';
import { type MoodCounts, type SessionRecord, ZERO_COUNTS } from './session';

/** The sessions that other replicas hold, and tombstones of those that left there, as the hub brought them. */
export class RemoteSessions {
  readonly #present = new Roster();
  readonly #left = new Roster();
  #validUntil = Number.POSITIVE_INFINITY;
  #isStale = false;

  /** Whether the hub has not answered for too long: see `keepUntil`. */
  get isStale(): boolean {
    return this.#isStale;
  }

  get counts(): MoodCounts {
    return this.#isStale ? ZERO_COUNTS : this.#present.counts;
  }

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

  get(key: string): RosterEntry | undefined {
    return this.#present.get(key) ?? this.#left.get(key);
  }

  isPresent(key: string): boolean {
    return this.#present.get(key) !== undefined;
  }

  /** Within each kind, records must be set in the order in which they expire. */
  set(key: string, { mood, lastSeen }: SessionRecord, expiresAt: number): void {
    this.delete(key);
    const roster = mood === null ? this.#left : this.#present;
    roster.set(key, mood, expiresAt, lastSeen);
  }

  delete(key: string): void {
    this.#present.delete(key);
    this.#left.delete(key);
  }

  clear(): void {
    this.#present.clear();
    this.#left.clear();
  }

  /** From that time on (ms) no session counts, until this is called again. */
  keepUntil(time: number): void {
    this.#validUntil = time;
    this.#isStale = false;
  }

  expire(now: number): void {
    this.#present.expire(now);
    this.#left.expire(now);
    this.#isStale = now >= this.#validUntil;
  }

  /** Drops up to `count` entries, sessions before tombstones, and of each kind those that expire first. Returns how many. */
  dropFirst(count: number): number {
    const dropped = this.#present.dropFirst(count).length;
    return dropped + this.#left.dropFirst(count - dropped).length;
  }
}
