import { ChannelCounts } from './channel-counts';
import { PresentAndLeft } from './present-and-left';
import type { RosterEntry } from './roster';
import type { SessionRecord } from './session';

/** The sessions of other replicas, as of the last merge. */
export class RemoteSessions extends PresentAndLeft {
  #validUntil = Number.POSITIVE_INFINITY;
  #isStale = false;

  /** Whether the time of `keepUntil` has passed, so that no session counts. */
  get isStale(): boolean {
    return this.#isStale;
  }

  get counts(): ChannelCounts {
    return this.#isStale ? NO_COUNTS : this.present.counts;
  }

  /** Sets a session or a tombstone. Within each kind, callers set records in the order in which they expire. */
  set(key: string, { mood, lastSeen }: SessionRecord, expiresAt: number): void {
    const [roster, other] = mood === null ? [this.left, this.present] : [this.present, this.left];
    other.delete(key);
    roster.set(key, mood, expiresAt, lastSeen);
  }

  /** Replaces all records. The new ones must be in the order in which they expire. */
  replaceAll(entries: Iterable<readonly [string, RosterEntry]>): void {
    this.clear();
    for (const [key, entry] of entries) (entry.mood === null ? this.left : this.present).append(key, entry);
  }

  delete(key: string): void {
    this.present.delete(key);
    this.left.delete(key);
  }

  clear(): void {
    this.present.clear();
    this.left.clear();
  }

  /** Makes the sessions count until `time` (ms), and no longer unless another call follows. */
  keepUntil(time: number): void {
    this.#validUntil = time;
    this.#isStale = false;
  }

  expire(now: number): void {
    this.present.expire(now);
    this.left.expire(now);
    this.#isStale = now >= this.#validUntil;
  }

  /** Drops up to `count` entries, tombstones first, and of each kind those that expire first. Returns how many. */
  dropFirst(count: number): number {
    // The replica where the session left holds the tombstone too.
    const dropped = this.left.dropFirst(count).length;
    return dropped + this.present.dropFirst(count - dropped).length;
  }
}

const NO_COUNTS = new ChannelCounts();
