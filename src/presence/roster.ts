import { type Mood, type MoodCounts, type SessionRecord, ZERO_COUNTS } from './session';

/** One session of a roster. `expiresAt` is when the roster drops it (ms); `lastSeen` is the time that merges compare (ms). */
export interface RosterEntry extends SessionRecord {
  readonly expiresAt: number;
}

/**
 * Sessions in the order in which they expire, with a running count per mood. An entry without a mood is not counted.
 * Each call costs O(1), amortised, except `clear`.
 */
export class Roster {
  readonly #entries = new Map<string, RosterEntry>();
  readonly #counts: Record<Mood, number> = { ...ZERO_COUNTS };
  /** No entry expires before this. It spares a search at the front of the Map, which skips deleted entries one by one. */
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#entries.size;
  }

  /** Live view: read it, don't keep it. */
  get counts(): MoodCounts {
    return this.#counts;
  }

  get(id: string): RosterEntry | undefined {
    return this.#entries.get(id);
  }

  [Symbol.iterator](): IterableIterator<[string, RosterEntry]> {
    return this.#entries.entries();
  }

  /**
   * Adds an entry at the end. It expires no earlier than the entry before it, otherwise a clock that steps back breaks the
   * order.
   */
  set(id: string, mood: Mood | null, expiresAt: number, lastSeen: number): void {
    this.delete(id);
    if (this.#entries.size === 0) {
      this.#earliest = expiresAt;
      this.#latest = expiresAt;
    }
    this.#latest = Math.max(this.#latest, expiresAt);
    this.#entries.set(id, { mood, lastSeen, expiresAt: this.#latest });
    if (mood !== null) this.#counts[mood] += 1;
  }

  /** Changes an entry, which keeps its place and its expiry. */
  restamp(id: string, mood: Mood, lastSeen: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (entry.mood !== null) this.#counts[entry.mood] -= 1;
    this.#counts[mood] += 1;
    this.#entries.set(id, { mood, lastSeen, expiresAt: entry.expiresAt });
  }

  delete(id: string): RosterEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    if (entry.mood !== null) this.#counts[entry.mood] -= 1;
    return entry;
  }

  clear(): void {
    this.#entries.clear();
    Object.assign(this.#counts, ZERO_COUNTS);
    this.#earliest = Number.POSITIVE_INFINITY;
  }

  /** Drops up to `count` entries, those that expire first, and returns their keys. */
  dropFirst(count: number): readonly string[] {
    const dropped: string[] = [];
    for (const id of this.#entries.keys()) {
      if (dropped.length >= count) break;
      this.delete(id);
      dropped.push(id);
    }
    return dropped;
  }

  /** Drops the entries that have expired at `now` (ms), and returns them. */
  expire(now: number): readonly (readonly [string, RosterEntry])[] {
    if (now < this.#earliest) return NONE;
    const expired: (readonly [string, RosterEntry])[] = [];
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const [id, entry] of this.#entries) {
      if (entry.expiresAt > now) {
        this.#earliest = entry.expiresAt;
        break;
      }
      this.delete(id);
      expired.push([id, entry]);
    }
    return expired;
  }
}

const NONE: readonly never[] = [];
