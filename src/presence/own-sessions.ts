import { ENDED_DROPPED_SHARE } from '../limits';
import type { ChannelCounts } from './channel-counts';
import type { OpenChannels } from './open-channels';
import { PresentAndLeft } from './present-and-left';
import { Roster, type RosterEntry } from './roster';
import { type Mood, overrules, type SessionRecord, type SessionRecords, stampAfter } from './session';
import type { Timing } from './timing';

/**
 * The sessions whose last heartbeat or leave arrived at this replica.
 *
 * It keeps at most `endedMax` ended sessions. No older copy revives a session that it keeps.
 *
 * A change gets a stamp of at least 1 ms after all known stamps of its session. So a heartbeat, a leave and a heartbeat within one
 * millisecond keep their order in every replica.
 */
export class OwnSessions extends PresentAndLeft {
  readonly #timing: Timing;
  readonly #endedMax: number;
  /** Sessions that expired here, without a mood. Another replica may have a later heartbeat. */
  readonly #expired = new Roster();
  /** Keys of sessions and tombstones that a hub that sends changes may lack. */
  readonly #unsent = new Set<string>();

  constructor(timing: Timing, endedMax: number, openChannels?: OpenChannels) {
    super(openChannels);
    this.#timing = timing;
    this.#endedMax = endedMax;
  }

  get counts(): ChannelCounts {
    return this.present.counts;
  }

  getExpired(key: string): RosterEntry | undefined {
    return this.#expired.get(key);
  }

  /** Applies a heartbeat of a present session, which arrived `at` that time (ms). Returns false for any other session. */
  refresh(key: string, mood: Mood, at: number): boolean {
    const known = this.present.get(key);
    if (known === undefined) return false;
    this.#setPresent(key, mood, at, stampAfter(at, known));
    return true;
  }

  /** Adds a session whose heartbeat arrived `at` that time (ms). `remote` is its record of another replica. */
  add(key: string, mood: Mood, at: number, remote?: SessionRecord): void {
    this.#expired.delete(key);
    this.#setPresent(key, mood, at, stampAfter(at, this.left.delete(key), remote));
  }

  #setPresent(key: string, mood: Mood, at: number, lastSeen: number): void {
    this.present.set(key, mood, at + this.#timing.ttlMs, lastSeen);
    this.#unsent.add(key);
  }

  /** Gives a present session another mood and stamp, and keeps its expiry. */
  restamp(key: string, mood: Mood, lastSeen: number): void {
    this.present.restamp(key, mood, lastSeen);
    this.#unsent.add(key);
  }

  /** Replaces a session that left `at` that time (ms) by a tombstone. */
  leave(key: string, at: number, remote?: SessionRecord): void {
    const lastSeen = stampAfter(at, this.present.delete(key), remote);
    this.#expired.delete(key);
    this.left.set(key, null, at + this.#timing.tombstoneTtlMs, lastSeen);
    this.#unsent.add(key);
    this.#dropBeyondMax();
  }

  remove(key: string): void {
    this.present.delete(key);
    this.left.delete(key);
    this.#unsent.delete(key);
  }

  forgetExpired(key: string): void {
    this.#expired.delete(key);
  }

  /** Turns expired sessions with a last heartbeat by `endedBy` (ms) into tombstones, stamped 1 ms after that heartbeat. */
  endExpired(endedBy: number): void {
    for (const [key, { lastSeen, expiresAt }] of this.#expired) {
      // An expired session stays for the TTL of a tombstone after its last heartbeat.
      const heartbeatAt = expiresAt - this.#timing.tombstoneTtlMs;
      if (heartbeatAt > endedBy) break;
      this.#expired.delete(key);
      this.left.set(key, null, expiresAt, lastSeen + 1);
    }
  }

  expire(now: number): void {
    const { ttlMs, tombstoneTtlMs } = this.#timing;
    for (const [key, { expiresAt, lastSeen }] of this.present.expire(now)) {
      this.#unsent.delete(key);
      this.#expired.set(key, null, expiresAt - ttlMs + tombstoneTtlMs, lastSeen);
    }
    for (const [key] of this.left.expire(now)) this.#unsent.delete(key);
    this.#expired.expire(now);
    this.#dropBeyondMax();
  }

  /**
   * Returns the records to send: unsent ones, sessions that expired here, and sessions that expire by `expiringBy` (ms). The last
   * two ask the hub whether another replica has a later record. A record without a mood is an expired session or a leave.
   */
  outbox(expiringBy: number): Map<string, SessionRecord> {
    const outbox = new Map<string, SessionRecord>(this.#expired);
    for (const [key, entry] of this.present) {
      if (entry.expiresAt > expiringBy) break;
      outbox.set(key, entry);
    }
    for (const key of this.#unsent) {
      const record = this.get(key);
      if (record !== undefined) outbox.set(key, record);
    }
    return outbox;
  }

  /** Marks the records that the hub now has as sent. A record that changed since stays unsent. */
  acknowledge(sent: SessionRecords, answer: SessionRecords): void {
    for (const [key, record] of sent) {
      if (this.get(key) === record) this.#unsent.delete(key);
      // The hub has no later heartbeat, so the expired record has no use.
      if (record.mood === null && (answer.get(key)?.mood ?? null) === null) this.#expired.delete(key);
    }
  }

  acknowledgeAll(): void {
    this.#unsent.clear();
  }

  /** Adds the records to the outbox that a snapshot lacks and that were not just sent. Returns whether there are any. */
  queueMissing(snapshot: SessionRecords, sent: SessionRecords): boolean {
    let isMissing = false;
    for (const [key, record] of this) {
      const atHub = snapshot.get(key);
      if (sent.has(key) || (atHub !== undefined && !overrules(record, atHub))) continue;
      this.#unsent.add(key);
      isMissing = true;
    }
    return isMissing;
  }

  /** Accepted: while an older copy of a dropped session counts, it revives that session. */
  #dropBeyondMax(): void {
    while (this.left.size + this.#expired.size > this.#endedMax) {
      // The hub may not have a tombstone yet, so expired sessions go first.
      const ended = this.#expired.size > 0 ? this.#expired : this.left;
      for (const key of ended.dropFirst(Math.ceil(this.#endedMax * ENDED_DROPPED_SHARE)))
        this.#unsent.delete(key);
    }
  }
}
