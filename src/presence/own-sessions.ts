import { ENDED_DROPPED_SHARE } from '../limits';
import { PresentAndLeft } from './present-and-left';
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
 * The sessions whose last heartbeat or leave came to this replica.
 *
 * Ended sessions are remembered, at most `endedMax` of them. While one is, no older copy revives it.
 *
 * A change gets a later stamp than all known stamps of its session, if need be by 1 ms. So heartbeat, leave, heartbeat within
 * one millisecond keep their order in every replica.
 */
export class OwnSessions extends PresentAndLeft {
  readonly #timing: Timing;
  readonly #endedMax: number;
  /** Sessions that expired here, without a mood. Another replica may have a later heartbeat. */
  readonly #expired = new Roster();
  /** Ids of sessions and tombstones that a hub of changes may not have. */
  readonly #unsent = new Set<string>();

  constructor(timing: Timing, endedMax: number) {
    super();
    this.#timing = timing;
    this.#endedMax = endedMax;
  }

  get counts(): MoodCounts {
    return this.present.counts;
  }

  getExpired(id: string): RosterEntry | undefined {
    return this.#expired.get(id);
  }

  /** A heartbeat that came `at` that time (ms). `remote` is the record of another replica. */
  heartbeat(id: string, mood: Mood, at: number, remote?: SessionRecord): void {
    const lastSeen = stampAfter(at, this.get(id), remote);
    this.left.delete(id);
    this.#expired.delete(id);
    this.present.set(id, mood, at + this.#timing.ttlMs, lastSeen);
    this.#unsent.add(id);
  }

  /** Gives a present session another mood and stamp. It expires as before. */
  restamp(id: string, mood: Mood, lastSeen: number): void {
    this.present.restamp(id, mood, lastSeen);
    this.#unsent.add(id);
  }

  /** Keeps a tombstone of a session that left `at` that time (ms). */
  leave(id: string, at: number, remote?: SessionRecord): void {
    const lastSeen = stampAfter(at, this.present.delete(id), remote);
    this.#expired.delete(id);
    this.left.set(id, null, at + this.#timing.tombstoneTtlMs, lastSeen);
    this.#unsent.add(id);
    this.#dropBeyondMax();
  }

  remove(id: string): void {
    this.present.delete(id);
    this.left.delete(id);
    this.#unsent.delete(id);
  }

  forgetExpired(id: string): void {
    this.#expired.delete(id);
  }

  /** Turns expired sessions with a last heartbeat by `endedBy` (ms) into tombstones, 1 ms later than that heartbeat. */
  endExpired(endedBy: number): void {
    for (const [id, { lastSeen, expiresAt }] of this.#expired) {
      if (expiresAt - this.#timing.tombstoneTtlMs > endedBy) break;
      this.#expired.delete(id);
      this.left.set(id, null, expiresAt, lastSeen + 1);
    }
  }

  expire(now: number): void {
    const { ttlMs, tombstoneTtlMs } = this.#timing;
    for (const [id, { expiresAt, lastSeen }] of this.present.expire(now)) {
      this.#unsent.delete(id);
      this.#expired.set(id, null, expiresAt - ttlMs + tombstoneTtlMs, lastSeen);
    }
    for (const [id] of this.left.expire(now)) this.#unsent.delete(id);
    this.#expired.expire(now);
    this.#dropBeyondMax();
  }

  /**
   * Returns the records to send: unsent ones, sessions that expired here, and sessions that expire by `expiringBy` (ms). The
   * answer corrects a session with a later heartbeat at another replica.
   */
  outbox(expiringBy: number): Map<string, SessionRecord> {
    const outbox = new Map<string, SessionRecord>(this.#expired);
    for (const [id, entry] of this.present) {
      if (entry.expiresAt > expiringBy) break;
      outbox.set(id, entry);
    }
    for (const id of this.#unsent) {
      const record = this.get(id);
      if (record !== undefined) outbox.set(id, record);
    }
    return outbox;
  }

  /** The hub has what was sent. A record that changed meanwhile stays unsent. */
  acknowledge(sent: SessionRecords, answer: SessionRecords): void {
    for (const [id, record] of sent) {
      if (this.get(id) === record) this.#unsent.delete(id);
      // The hub has no later heartbeat, so the expired record has no use.
      if (record.mood === null && (answer.get(id)?.mood ?? null) === null) this.#expired.delete(id);
    }
  }

  acknowledgeAll(): void {
    this.#unsent.clear();
  }

  /** Adds to the outbox what a snapshot lacks and what was not just sent. Returns whether there is anything. */
  queueMissing(snapshot: SessionRecords, sent: SessionRecords): boolean {
    let isMissing = false;
    for (const [id, record] of this) {
      const theirs = snapshot.get(id);
      if (sent.has(id) || (theirs !== undefined && !overrules(record, theirs))) continue;
      this.#unsent.add(id);
      isMissing = true;
    }
    return isMissing;
  }

  /** An older copy may revive a session that is dropped early, while that copy counts. */
  #dropBeyondMax(): void {
    while (this.left.size + this.#expired.size > this.#endedMax) {
      // The hub may not have a tombstone yet, so expired sessions go first.
      const ended = this.#expired.size > 0 ? this.#expired : this.left;
      for (const id of ended.dropFirst(Math.ceil(this.#endedMax * ENDED_DROPPED_SHARE)))
        this.#unsent.delete(id);
    }
  }
}
