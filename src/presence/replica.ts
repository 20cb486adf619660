import { UNMATCHED_LEAVES_MAX } from '../limits';
import { OwnSessions } from './own-sessions';
import { RemoteSessions } from './remote-sessions';
import type { RosterEntry } from './roster';
import {
  addCounts,
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
} from './session';
import { setLatest } from './set-latest';
import type { Timing } from './timing';

/** What a hub that sends changes has answered. */
export interface HubAnswer {
  /** All sessions that the hub counts; or those that came, left or changed their mood since the last answer. */
  readonly records: SessionRecords;
  readonly isSnapshot: boolean;
  /** The hub has lost its memory since its last answer. */
  readonly isRestart: boolean;
  /** The outbox that the hub answers to, and when it was sent (ms). */
  readonly sent: SessionRecords;
  readonly sentAt: number;
}

/** Sessions to read. Iteration gives the present ones, then the tombstones. */
interface Sessions extends Iterable<readonly [string, RosterEntry]> {
  readonly size: number;
  /** Number of present sessions and tombstones. */
  readonly recordsSize: number;
  isPresent(key: string): boolean;
}

/**
 * Every session that one isolate knows: its own ones and the remote ones. A session is own or remote, never both, so it counts
 * once. Pure rules: no clock, no I/O; `now` is in ms since 1970.
 *
 * The later stamp wins a merge. Two things stand against a later stamp, since another clock may be ahead, and get a stamp past
 * it: a pinned session, whose heartbeat is not answered yet; and a leave that came here before the hub brought its session.
 *
 * Each event is one call, and the calls need no order. Queries change nothing.
 */
export class Replica {
  readonly #timing: Timing;
  readonly #own: OwnSessions;
  readonly #remote = new RemoteSessions();
  /** Sessions whose heartbeat waits for a sync. */
  readonly #pinned = new Set<string>();
  /** When leaves came for unknown sessions (ms). */
  readonly #unmatchedLeaves = new Map<string, number>();
  #hasSynced = false;

  /** @param endedMax Most sessions that left or expired and are remembered. */
  constructor(timing: Timing, endedMax = Number.POSITIVE_INFINITY) {
    this.#timing = timing;
    this.#own = new OwnSessions(timing, endedMax);
  }

  /** Own and remote sessions per mood. */
  get counts(): MoodCounts {
    return addCounts(this.#own.counts, this.#remote.counts);
  }

  /** Whether a hub has brought what other replicas know. Before that every session looks new. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The own sessions. Only the replica changes them. */
  get own(): Sessions {
    return this.#own;
  }

  /** The remote sessions. `isStale`: a hub of changes has not answered for a TTL, so its next answer must be a snapshot. */
  get remote(): Sessions & { readonly isStale: boolean } {
    return this.#remote;
  }

  /** The session or the tombstone, own or remote. */
  get(key: string): RosterEntry | undefined {
    return this.#own.get(key) ?? this.#remote.get(key);
  }

  /** Whether a heartbeat is of a known session. With `max` own sessions the replica is full and takes no new one. */
  admit(key: string, max: number, now: number): 'known' | 'new' | 'full' {
    this.expire(now);
    if (this.get(key) !== undefined || this.#own.getExpired(key) !== undefined) return 'known';
    return this.#own.size >= max ? 'full' : 'new';
  }

  /**
   * A heartbeat that came `at` that time (ms) and counts `now`: later, if it waited for admission. Returns false, and changes
   * nothing, if the session left at another replica meanwhile. A heartbeat at another replica meanwhile decides the mood.
   */
  heartbeat(key: string, mood: Mood, now: number, at = now): boolean {
    this.expire(now);
    const remote = this.#remote.get(key);
    const isOvertaken = remote !== undefined && remote.lastSeen > at && remote.lastSeen <= now;
    if (isOvertaken && remote.mood === null) return false;
    this.#own.heartbeat(key, (isOvertaken ? remote.mood : null) ?? mood, at, remote);
    this.#remote.delete(key);
    this.#unmatchedLeaves.delete(key);
    return true;
  }

  /** Ends a session. A leave for an unknown session returns false, and ends that session only if a merge brings it later. */
  leave(key: string, now: number): boolean {
    this.expire(now);
    this.#pinned.delete(key);
    if (this.#own.isPresent(key) || this.#remote.isPresent(key)) {
      this.#leave(key, now, this.#remote.get(key));
      return true;
    }
    // The hub never gets an unknown id: a client can make up any number of them.
    setLatest(this.#unmatchedLeaves, key, now, UNMATCHED_LEAVES_MAX);
    return false;
  }

  /** The heartbeat of the session waits for a sync. Until `unpin`, no merge ends the session. */
  pin(key: string): void {
    this.#pinned.add(key);
  }

  unpin(key: string): void {
    this.#pinned.delete(key);
  }

  /** For the end of a sync. Otherwise a pin stays whose request the platform has ended. */
  unpinAll(): void {
    this.#pinned.clear();
  }

  /** Ends the sessions whose time is over, and forgets what no merge can revive any more. O(1), amortised. */
  expire(now: number): void {
    this.#own.expire(now);
    this.#remote.expire(now);
    for (const [key, leftAt] of this.#unmatchedLeaves) {
      if (leftAt > now - this.#timing.remoteTtlMs) break;
      this.#unmatchedLeaves.delete(key);
    }
  }

  /** What to send to a hub of changes. */
  outbox(expiringBy: number): SessionRecords {
    return this.#own.outbox(expiringBy);
  }

  /**
   * Takes all that a hub stores, each record with its own expiry, in place of the remote sessions.
   *
   * Returns the records that do not count here any more and that another replica may still count: the hub must keep them.
   */
  replaceRemote(stored: ReadonlyMap<string, RosterEntry>, now: number): ReadonlyMap<string, SessionRecord> {
    this.expire(now);
    this.#hasSynced = true;
    this.#remote.clear();
    // Such a hub gets all sessions at each write, so nothing waits in the outbox.
    this.#own.acknowledgeAll();
    const kept = new Map<string, SessionRecord>();
    const taken: [string, RosterEntry][] = [];
    for (const [key, theirs] of stored) {
      if (this.#hasExpiredHere(key, theirs)) {
        if (theirs.lastSeen > now - this.#timing.remoteTtlMs) kept.set(key, theirs);
      } else if (this.#judge(key, theirs, now) === 'theirs') taken.push([key, theirs]);
    }
    taken.sort(([, a], [, b]) => a.expiresAt - b.expiresAt);
    for (const [key, theirs] of taken) this.#remote.set(key, theirs, theirs.expiresAt);
    return kept;
  }

  /**
   * Takes the answer of a hub that sends changes and ends remote sessions itself. They stop counting a TTL after
   * the last call that was answered. Returns whether the hub lacks something that its answer has brought up: then another exchange should follow at once.
   */
  applyAnswer({ records, isSnapshot, isRestart, sent, sentAt }: HubAnswer, now: number): boolean {
    this.expire(now);
    this.#hasSynced = true;
    if (isSnapshot) this.#remote.clear();
    // Not from now on: an answer may be late, and by then its sessions may have ended.
    this.#remote.keepUntil(sentAt + this.#timing.ttlMs);
    this.#remote.expire(now);
    this.#own.acknowledge(sent, records);
    let isHubBehind = isRestart && this.#own.queueMissing(records, sent);
    // A tombstone matters until the next answer, or the one after that.
    const tombstoneUntil = now + 2 * this.#timing.syncIntervalMs;
    for (const [key, theirs] of records) {
      if (theirs.mood === null) this.#remote.delete(key);
      if (this.#hasExpiredHere(key, theirs)) continue;
      const verdict = this.#judge(key, theirs, now);
      if (verdict === 'theirs')
        this.#remote.set(key, theirs, theirs.mood === null ? tombstoneUntil : Number.POSITIVE_INFINITY);
      if (verdict === 'ours restamped') isHubBehind = true;
    }
    for (const key of sent.keys()) if (this.#remote.isPresent(key)) this.#own.forgetExpired(key);
    return isHubBehind;
  }

  /** Drops up to `count` remote sessions and tombstones, those first that expire first. Returns how many. */
  dropRemote(count: number): number {
    return this.#remote.dropFirst(count);
  }

  #leave(key: string, at: number, remote: SessionRecord | undefined): void {
    this.#own.leave(key, at, remote);
    this.#remote.delete(key);
  }

  /** Whether the session expired here, and the hub knows no later heartbeat. */
  #hasExpiredHere(key: string, theirs: SessionRecord): boolean {
    const expired = this.#own.getExpired(key);
    return expired !== undefined && theirs.lastSeen <= expired.lastSeen;
  }

  /** Decides between the remote record and what is known here. If theirs wins, the session is no longer an own one. */
  #judge(key: string, theirs: SessionRecord, now: number): 'theirs' | 'ours' | 'ours restamped' {
    if (this.#endsHere(key, theirs)) return 'ours restamped';
    const ours = this.#own.get(key);
    if (ours === undefined) return 'theirs';
    if (!overrules(theirs, ours)) return 'ours';
    if (ours.mood !== null && this.#pinned.has(key)) {
      this.#insist(key, ours.mood, theirs, now);
      return 'ours restamped';
    }
    this.#own.giveUp(key);
    return 'theirs';
  }

  /** Ends a session that the hub brings and whose leave came here before, unless it came back at another replica since. */
  #endsHere(key: string, theirs: SessionRecord): boolean {
    const leftAt = this.#unmatchedLeaves.get(key);
    if (leftAt === undefined || theirs.mood === null) return false;
    this.#unmatchedLeaves.delete(key);
    if (theirs.lastSeen > leftAt) return false;
    this.#leave(key, leftAt, theirs);
    return true;
  }

  /** Stamps a pinned session past the remote record. A heartbeat of another replica is the later one, so its mood stays. */
  #insist(key: string, mood: Mood, theirs: SessionRecord, now: number): void {
    const isLater = theirs.lastSeen <= now;
    // Of a leave and a heartbeat with the same stamp the heartbeat wins.
    const lastSeen = theirs.mood === null ? theirs.lastSeen : stampAfter(now, theirs);
    this.#own.restamp(key, (isLater ? theirs.mood : null) ?? mood, lastSeen);
  }
}
