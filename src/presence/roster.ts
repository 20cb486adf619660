import { ChannelCounts } from './channel-counts';
import type { OpenChannels } from './open-channels';
import type { Mood, SessionRecord } from './session';

/** One session of a roster. `expiresAt` is when the roster drops it (ms); `lastSeen` is the time that merges compare (ms). */
export interface RosterEntry extends SessionRecord {
  readonly expiresAt: number;
}

/**
 * Sessions by key in the order in which they expire, with a running count per channel and mood. An entry without a mood is not
 * counted. Each call costs O(1), amortised, except `clear`.
 */
export class Roster {
  readonly #entries = new Map<string, RosterEntry>();
  readonly #counts: ChannelCounts;
  /** No entry expires before this (ms). It saves a search from the front of the Map, which walks over deleted entries. */
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;

  /** @param openChannels Receives each channel that opens or closes. */
  constructor(openChannels?: OpenChannels) {
    this.#counts = new ChannelCounts(openChannels);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A live view: do not keep it. */
  get counts(): ChannelCounts {
    return this.#counts;
  }

  get(key: string): RosterEntry | undefined {
    return this.#entries.get(key);
  }

  [Symbol.iterator](): IterableIterator<[string, RosterEntry]> {
    return this.#entries.entries();
  }

  /**
   * Adds an entry at the end. It expires no earlier than the entry before it, otherwise a clock that steps back breaks the
   * order. So after such a step an entry expires later, by at most the step.
   */
  set(key: string, mood: Mood | null, expiresAt: number, lastSeen: number): void {
    const known = this.#entries.get(key);
    // Deleted first, otherwise the entry keeps its place.
    if (known !== undefined) this.#entries.delete(key);
    if (this.#entries.size === 0) this.#earliest = this.#latest = expiresAt;
    this.#latest = Math.max(this.#latest, expiresAt);
    this.#entries.set(key, { mood, lastSeen, expiresAt: this.#latest });
    this.#counts.move(key, known?.mood ?? null, mood);
  }

  /** Adds the entry of a new key at the end. It must not expire before the entry that is last. */
  append(key: string, entry: RosterEntry): void {
    if (this.#entries.size === 0) this.#earliest = entry.expiresAt;
    this.#latest = entry.expiresAt;
    this.#entries.set(key, entry);
    this.#counts.move(key, null, entry.mood);
  }

  /** Changes an entry, which keeps its place and its expiry. */
  restamp(key: string, mood: Mood, lastSeen: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#counts.move(key, entry.mood, mood);
    this.#entries.set(key, { mood, lastSeen, expiresAt: entry.expiresAt });
  }

  delete(key: string): RosterEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#counts.move(key, entry.mood, null);
    return entry;
  }

  clear(): void {
    this.#entries.clear();
    this.#counts.clear();
    this.#earliest = Number.POSITIVE_INFINITY;
  }

  /** Drops up to `count` entries in the order in which they expire, and returns their keys. */
  dropFirst(count: number): readonly string[] {
    const dropped: string[] = [];
    for (const key of this.#entries.keys()) {
      if (dropped.length >= count) break;
      this.delete(key);
      dropped.push(key);
    }
    return dropped;
  }

  /** Drops the entries that have expired at `now` (ms), and returns them. */
  expire(now: number): readonly (readonly [string, RosterEntry])[] {
    if (now < this.#earliest) return NONE;
    const expired: (readonly [string, RosterEntry])[] = [];
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAt > now) {
        this.#earliest = entry.expiresAt;
        break;
      }
      this.delete(key);
      expired.push([key, entry]);
    }
    return expired;
  }
}

const NONE: readonly never[] = [];
