import { CLOCK_SKEW_MAX_MS, UNMATCHED_LEAVES_MAX } from '../limits';
import { ANY_CHANNEL } from './channel-rules';
import { OpenChannels } from './open-channels';
import { OwnSessions } from './own-sessions';
import type { SessionsView } from './present-and-left';
import { RemoteSessions } from './remote-sessions';
import type { RosterEntry } from './roster';
import {
  addCounts,
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
} from './session';
import { channelOf, DEFAULT_CHANNEL } from './session-key';
import { setLatest } from './set-latest';
import type { Timing } from './timing';

/** What a replica decides on a heartbeat. `full`: a new session is one too many, or opens one channel too many. */
export type Admission = 'known' | 'new' | 'full';

/**
 * Every session that one isolate knows, by its key. A session is an own one or a remote one, never both, so it counts once. Pure rules: no
 * clock, no I/O; `now` is in ms since 1970.
 *
 * The record with the later stamp wins a merge, with one exception: a pinned session stays, and gets a stamp past the other
 * one. Otherwise a clock that is ahead could end the session of a caller.
 *
 * Each event is one call, and the calls need no order. Queries change nothing.
 */
export class Replica {
  readonly #timing: Timing;
  readonly #sessionsMax: number;
  readonly #openChannels: OpenChannels;
  /** Whether the last answer of the hub held named channels. */
  #knowsChannels = false;
  readonly #own: OwnSessions;
  readonly #remote: RemoteSessions;
  /** Sessions whose heartbeat waits for a sync. */
  readonly #pinned = new Set<string>();
  /** When leaves came for unknown sessions (ms). */
  readonly #unmatchedLeaves = new Map<string, number>();
  #hasSynced = false;

  /** @param sessionsMax With so many own sessions it is full. It remembers as many that ended. */
  constructor(timing: Timing, sessionsMax = Number.POSITIVE_INFINITY, channels = ANY_CHANNEL) {
    this.#timing = timing;
    this.#sessionsMax = sessionsMax;
    this.#openChannels = new OpenChannels(channels);
    this.#own = new OwnSessions(timing, sessionsMax, this.#openChannels);
    this.#remote = new RemoteSessions(this.#openChannels);
  }

  /** Own and remote sessions of the default channel per mood, as of the last event or `expire`. */
  get counts(): MoodCounts {
    return this.countsOf(DEFAULT_CHANNEL);
  }

  /** The same of any channel. */
  countsOf(channel: string): MoodCounts {
    return addCounts(this.#own.counts.of(channel), this.#remote.counts.of(channel));
  }

  /** Whether a hub has brought the sessions of other replicas. Before that every session looks new. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get isFull(): boolean {
    return this.#own.size >= this.#sessionsMax;
  }

  /** Whether no further channel may open, apart from the listed ones. */
  get hasMaxChannels(): boolean {
    return this.#openChannels.isFull;
  }

  get own(): SessionsView {
    return this.#own;
  }

  /** `isStale`: the last answer of a hub of changes counts no more. Its next one must be a snapshot. */
  get remote(): SessionsView & { readonly isStale: boolean } {
    return this.#remote;
  }

  /** The session or the tombstone, own or remote. */
  get(key: string): RosterEntry | undefined {
    return this.#own.get(key) ?? this.#remote.get(key);
  }

  /** Decides on a heartbeat. A session that expired here is known, because it may be present elsewhere. */
  admit(key: string, now: number): Admission {
    this.expire(now);
    if (this.get(key) !== undefined || this.#own.getExpired(key) !== undefined) return 'known';
    return this.isFull || (this.#knowsOthers && this.#openChannels.refuses(channelOf(key))) ? 'full' : 'new';
  }

  /**
   * Whether a first session would open this channel: it is empty, and counts towards the maximum. False while the replica does not know
   * the channels of the others, otherwise every visitor seems to open one.
   */
  wouldOpen(channel: string): boolean {
    return this.#knowsOthers && this.#openChannels.wouldOpen(channel);
  }

  /** A heartbeat of a present own session. Returns false for another session, which it does not change. */
  refresh(key: string, mood: Mood, now: number, at = now): boolean {
    this.expire(now);
    return this.#own.refresh(key, mood, at);
  }

  /**
   * A heartbeat that came `at` that time (ms) and counts `now`: later, if it waited for admission. Returns false, and changes
   * nothing, if the session left at another replica meanwhile. A heartbeat at another replica meanwhile decides the mood.
   */
  heartbeat(key: string, mood: Mood, now: number, at = now): boolean {
    if (this.refresh(key, mood, now, at)) return true;
    const remote = this.#remote.get(key);
    const isLater = remote !== undefined && remote.lastSeen > at && remote.lastSeen <= now;
    if (isLater && remote.mood === null) return false;
    this.#own.add(key, (isLater ? remote.mood : null) ?? mood, at, remote);
    this.#remote.delete(key);
    this.#unmatchedLeaves.delete(key);
    return true;
  }

  /** Ends a present session. A leave for another one returns false, and ends it only if a merge brings it later. */
  leave(key: string, now: number): boolean {
    this.expire(now);
    this.#pinned.delete(key);
    if (this.#own.isPresent(key) || this.#remote.isPresent(key)) {
      this.#end(key, now, this.#remote.get(key));
      return true;
    }
    // The hub never gets an unknown key: a client can make up any number of them.
    setLatest(this.#unmatchedLeaves, key, now, UNMATCHED_LEAVES_MAX);
    return false;
  }

  /** The heartbeat of the session waits for a sync. No merge ends the session before `unpin`. */
  pin(key: string): void {
    this.#pinned.add(key);
  }

  unpin(key: string): void {
    this.#pinned.delete(key);
  }

  /** Removes all pins at the end of a sync, otherwise the pin of an ended request stays. */
  unpinAll(): void {
    this.#pinned.clear();
  }

  /** Ends sessions whose time is over, and forgets what no merge can revive. O(1), amortised. */
  expire(now: number): void {
    this.#own.expire(now);
    this.#remote.expire(now);
    if (this.#unmatchedLeaves.size > 0) this.#expireUnmatchedLeaves(now);
  }

  #expireUnmatchedLeaves(now: number): void {
    for (const [key, leftAt] of this.#unmatchedLeaves) {
      if (leftAt > now - this.#timing.tombstoneTtlMs) break;
      this.#unmatchedLeaves.delete(key);
    }
  }

  /** The records to send to a hub of changes: see `OwnSessions`. */
  outbox(expiringBy: number): SessionRecords {
    return this.#own.outbox(expiringBy);
  }

  /**
   * Merges all records that a hub stores, each with its expiry. KV may return an older value than before, so newer records of an
   * earlier merge stay.
   *
   * An own session that expired, and whose last heartbeat came by `endedBy` (ms), is ended for all. Its tombstone is 1 ms later
   * than that heartbeat: it overrules all copies of it, and no later heartbeat at another replica.
   *
   * Returns what the decision about the next write needs.
   */
  mergeStored(stored: ReadonlyMap<string, RosterEntry>, now: number, endedBy: number): StoredMerge {
    this.expire(now);
    this.#hasSynced = true;
    // Each write sends all sessions, so nothing waits in the outbox.
    this.#own.acknowledgeAll();
    this.#own.endExpired(endedBy);
    const kept = new Map<string, RosterEntry>();
    const remote: [string, RosterEntry][] = [];
    /** Returns whether the record stays, as a remote one or in `kept`. */
    const merge = (key: string, theirs: RosterEntry): boolean => {
      if (theirs.expiresAt <= now) return false;
      if (this.#hasExpiredHere(key, theirs)) kept.set(key, theirs);
      else if (this.#mergeRecord(key, theirs, now) === 'remote') remote.push([key, theirs]);
      else return false;
      return true;
    };
    let ended = 0;
    for (const [key, theirs] of stored) {
      const known = this.#remote.get(key);
      const stays = merge(key, known !== undefined && isMore(known, theirs) ? known : theirs);
      if (theirs.mood !== null && !stays && !this.#own.isPresent(key)) ended += 1;
    }
    for (const [key, known] of this.#remote) if (!stored.has(key)) merge(key, known);
    remote.sort(([, a], [, b]) => a.expiresAt - b.expiresAt);
    this.#remote.replaceAll(remote);
    return { kept, ended };
  }

  /**
   * Merges the answer of a hub that sends changes, and ends remote sessions itself. They count for a TTL after `sentAt`.
   *
   * Returns whether the hub lacks records. Then the caller exchanges again at once.
   */
  applyAnswer(
    { records, isSnapshot, isRestart, includesChannels, sent, sentAt }: HubAnswer,
    now: number,
  ): boolean {
    // Counted from `sentAt`, otherwise a late answer extends sessions that have ended.
    this.#remote.keepUntil(sentAt + this.#timing.ttlMs);
    this.expire(now);
    this.#hasSynced = true;
    this.#knowsChannels = includesChannels;
    if (isSnapshot) this.#remote.clear();
    this.#own.acknowledge(sent, records);
    let isHubBehind = isRestart && this.#own.queueMissing(records, sent);
    // A tombstone matters until the next answer, or the one after that.
    const tombstoneUntil = now + 2 * this.#timing.syncIntervalMs;
    for (const [key, theirs] of records) {
      if (theirs.mood === null) this.#remote.delete(key);
      if (this.#hasExpiredHere(key, theirs)) continue;
      const winner = this.#mergeRecord(key, theirs, now);
      if (winner === 'remote')
        this.#remote.set(key, theirs, theirs.mood === null ? tombstoneUntil : Number.POSITIVE_INFINITY);
      if (winner === 'changed own') isHubBehind = true;
    }
    for (const key of sent.keys()) if (this.#remote.isPresent(key)) this.#own.forgetExpired(key);
    return isHubBehind;
  }

  /** Drops up to `count` remote records, those first that expire first. Returns how many. */
  dropRemote(count: number): number {
    return this.#remote.dropFirst(count);
  }

  /** Whether the replica knows the channels of the others. */
  get #knowsOthers(): boolean {
    return this.#knowsChannels && !this.#remote.isStale;
  }

  #end(key: string, at: number, remote: SessionRecord | undefined): void {
    this.#own.leave(key, at, remote);
    this.#remote.delete(key);
  }

  /** Whether the session expired here and the remote record has no later heartbeat. */
  #hasExpiredHere(key: string, theirs: SessionRecord): boolean {
    const expired = this.#own.getExpired(key);
    return expired !== undefined && theirs.lastSeen <= expired.lastSeen;
  }

  /** Merges a remote record with the own one, and returns which one wins. The loser is removed. */
  #mergeRecord(key: string, theirs: SessionRecord, now: number): 'remote' | 'own' | 'changed own' {
    if (this.#applyUnmatchedLeave(key, theirs)) return 'changed own';
    const own = this.#own.get(key);
    if (own === undefined) return 'remote';
    if (!overrules(theirs, own)) return 'own';
    if (own.mood !== null && this.#pinned.has(key)) {
      this.#restampPinned(key, own.mood, theirs, now);
      return 'changed own';
    }
    this.#own.remove(key);
    return 'remote';
  }

  /** Ends a remote session that has an unmatched leave. A later heartbeat at another replica keeps it. */
  #applyUnmatchedLeave(key: string, theirs: SessionRecord): boolean {
    const leftAt = this.#unmatchedLeaves.get(key);
    if (leftAt === undefined || theirs.mood === null) return false;
    this.#unmatchedLeaves.delete(key);
    if (theirs.lastSeen > leftAt) return false;
    this.#end(key, leftAt, theirs);
    return true;
  }

  /** Stamps a pinned session past the remote record. The mood of a later heartbeat at another replica stays. */
  #restampPinned(key: string, mood: Mood, theirs: SessionRecord, now: number): void {
    const isLater = theirs.lastSeen <= now;
    // Just past it, otherwise the stamp could overrule a later heartbeat elsewhere. A heartbeat wins against a leave of its stamp.
    const lastSeen = Math.min(theirs.lastSeen + (theirs.mood === null ? 0 : 1), now + CLOCK_SKEW_MAX_MS);
    this.#own.restamp(key, (isLater ? theirs.mood : null) ?? mood, lastSeen);
  }
}

/** Whether a known record is newer than the stored one, or is the same and counts longer. */
function isMore(known: RosterEntry, stored: RosterEntry): boolean {
  if (overrules(known, stored)) return true;
  const isSame = stored.lastSeen === known.lastSeen && stored.mood === known.mood;
  return isSame && known.expiresAt > stored.expiresAt;
}

/** What a merge of stored records found. */
export interface StoredMerge {
  /** Records of sessions that expired here and may count at another replica. The next write must keep them. */
  readonly kept: ReadonlyMap<string, RosterEntry>;
  /** How many stored sessions have ended: they left or expired here, or no replica refreshes them any more. */
  readonly ended: number;
}

/** What a hub that sends changes has answered. */
export interface HubAnswer {
  /** All sessions that the hub counts; or those that came, left or changed their mood since the last answer. */
  readonly records: SessionRecords;
  readonly isSnapshot: boolean;
  /** The hub has lost its memory since its last answer. */
  readonly isRestart: boolean;
  /** `records` has sessions of named channels, if there are any. */
  readonly includesChannels: boolean;
  /** The outbox that the hub answers to, and when it was sent (ms). */
  readonly sent: SessionRecords;
  readonly sentAt: number;
}
