import { type Mood, type MoodCounts, NOBODY } from './session';

/**
 * One entry of a roster.
 * `heardAt` is when this replica heard of it (ms): it orders the roster and decides expiry.
 * `lastSeen` is the time that merging compares (ms): the same, or a little later where `SessionTable` says so.
 */
export interface RosterEntry {
  readonly mood: Mood | null;
  readonly lastSeen: number;
  readonly heardAt: number;
}

/**
 * Sessions in the order in which they were heard, with running counts per mood (an entry with no mood is not counted).
 * Setting, deleting, counting and expiring cost O(1), amortised.
 */
export class Roster {
  readonly #entries = new Map<string, RosterEntry>();
  readonly #counts: Record<Mood, number> = { ...NOBODY };
  /** No entry was heard before this. It spares a look at the front, where a Map steps over the holes of moved entries. */
  #oldest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;

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

  /** Puts the entry last. A clock that has stepped back stands still here until it has caught up, so the order holds. */
  set(id: string, mood: Mood | null, heardAt: number, lastSeen: number): void {
    this.delete(id);
    if (this.#entries.size === 0) {
      this.#oldest = heardAt;
      this.#newest = heardAt;
    }
    this.#newest = Math.max(this.#newest, heardAt);
    this.#entries.set(id, { mood, heardAt: this.#newest, lastSeen });
    if (mood !== null) this.#counts[mood] += 1;
  }

  delete(id: string): RosterEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    if (entry.mood !== null) this.#counts[entry.mood] -= 1;
    return entry;
  }

  /** Removes so many entries that were heard first. */
  dropOldest(count: number): void {
    let left = count;
    for (const id of this.#entries.keys()) {
      if (left === 0) break;
      this.delete(id);
      left -= 1;
    }
  }

  /** Removes the entries that were heard at `until` (ms) or before, and returns them. */
  expire(until: number): readonly (readonly [string, RosterEntry])[] {
    if (until < this.#oldest) return NONE;
    const expired: (readonly [string, RosterEntry])[] = [];
    this.#oldest = Number.POSITIVE_INFINITY;
    for (const [id, entry] of this.#entries) {
      if (entry.heardAt > until) {
        this.#oldest = entry.heardAt;
        break;
      }
      this.delete(id);
      expired.push([id, entry]);
    }
    return expired;
  }
}

const NONE: readonly never[] = [];
