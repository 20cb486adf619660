import { CLOCK_SKEW_MAX_MS } from '../limits';
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
import type { Timing } from './timing';
import { UnmatchedLeaves } from './unmatched-leaves';

/** What a replica decides on a heartbeat. `full`: it has no place for a new session, or for the channel that the session opens. */
export type Admission = 'known' | 'new' | 'full';

/**
 * Every session that one isolate knows, by its key. A session is an own one or a remote one, never both, so it counts once. Pure
 * rules: no clock, no I/O; `now` is in ms since 1970.
 *
 * The record with the later stamp wins a merge, with one exception: a pinned session stays, and gets a later stamp than the other
 * record. Otherwise a clock that is ahead ends a session before its heartbeat is answered.
 *
 * Each event is one call. Queries change nothing, except `admit`, which expires sessions.
 */
export class Replica {
  readonly #timing: Timing;
  readonly #sessionsMax: number;
  readonly #openChannels: OpenChannels;
  /** Whether the last answer of the hub included named channels. */
  #knowsChannels = false;
  readonly #own: OwnSessions;
  readonly #remote: RemoteSessions;
  /** Sessions whose heartbeat waits for a sync. */
  readonly #pinned = new Set<string>();
  readonly #unmatchedLeaves: UnmatchedLeaves;
  #hasSynced = false;

  /** @param sessionsMax Most own sessions: with so many the replica is full. It keeps at most as many ended ones. */
  constructor(timing: Timing, sessionsMax = Number.POSITIVE_INFINITY, channels = ANY_CHANNEL) {
    this.#timing = timing;
    this.#sessionsMax = sessionsMax;
    this.#openChannels = new OpenChannels(channels);
    this.#own = new OwnSessions(timing, sessionsMax, this.#openChannels);
    this.#remote = new RemoteSessions(this.#openChannels);
    this.#unmatchedLeaves = new UnmatchedLeaves(timing.tombstoneTtlMs);
  }

  /** Own and remote sessions of the default channel per mood, as of the last event or `expire`. */
  get counts(): MoodCounts {
    return this.countsOf(DEFAULT_CHANNEL);
  }

  /** Own and remote sessions of any channel per mood, as of the last event or `expire`. */
  countsOf(channel: string): MoodCounts {
    return addCounts(this.#own.counts.of(channel), this.#remote.counts.of(channel));
  }

  /** Whether a sync has merged the sessions of other replicas. Before that every session looks new. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get isFull(): boolean {
    return this.#own.size >= this.#sessionsMax;
  }

  /** Whether no further channel may open, except the listed ones. */
  get hasMaxChannels(): boolean {
    return this.#openChannels.isFull;
  }

  get own(): SessionsView {
    return this.#own;
  }

  /** `isStale`: the last answer of a hub that sends changes no longer counts. The next one must be a snapshot. */
  get remote(): SessionsView & { readonly isStale: boolean } {
    return this.#remote;
  }

  /** Returns the session or the tombstone, own or remote. */
  get(key: string): RosterEntry | undefined {
    return this.#own.get(key) ?? this.#remote.get(key);
  }

  /** Decides on a heartbeat. A session that expired here is known, because it may be present elsewhere. */
  admit(key: string, now: number): Admission {
    this.expire(now);
    if (this.get(key) !== undefined || this.#own.getExpired(key) !== undefined) return 'known';
    return this.isFull || (this.#knowsOtherChannels && this.#openChannels.refuses(channelOf(key)))
      ? 'full'
      : 'new';
  }

  /**
   * Whether a new session opens this channel: it is empty, and counts towards the maximum. False while the replica does not know the
   * channels of other replicas, otherwise every new session seems to open one.
   */
  wouldOpen(channel: string): boolean {
    return this.#knowsOtherChannels && this.#openChannels.wouldOpen(channel);
  }

  /** Applies a heartbeat of a present own session, which arrived `at` that time (ms). Returns false for any other session. */
  refresh(key: string, mood: Mood, now: number, at = now): boolean {
    this.expire(now);
    return this.#own.refresh(key, mood, at);
  }

  /**
   * Applies a heartbeat that arrived `at` that time (ms). If it waited for admission, `now` is later. Returns false, and changes
   * nothing, if the session left at another replica during the wait. A heartbeat at another replica during the wait decides the mood.
   */
  heartbeat(key: string, mood: Mood, now: number, at = now): boolean {
    if (this.refresh(key, mood, now, at)) return true;
    const remote = this.#remote.get(key);
    const hasLaterRecord = remote !== undefined && remote.lastSeen > at && remote.lastSeen <= now;
    if (hasLaterRecord && remote.mood === null) return false;
    // With a TTL of 2 s the wait can be as long. Such a session counts from now, otherwise the answer lacks its caller.
    const from = at + this.#timing.ttlMs > now ? at : now;
    this.#own.add(key, (hasLaterRecord ? remote.mood : null) ?? mood, from, remote);
    this.#remote.delete(key);
    this.#unmatchedLeaves.delete(key);
    return true;
  }

  /** Ends a present session. Returns false for an unknown one, which ends if a later merge adds it. */
  leave(key: string, now: number): boolean {
    this.expire(now);
    this.#pinned.delete(key);
    if (this.#own.isPresent(key) || this.#remote.isPresent(key)) {
      this.#end(key, now, this.#remote.get(key));
      return true;
    }
    this.#unmatchedLeaves.add(key, now);
    return false;
  }

  /** Marks a session whose heartbeat waits for a sync. No merge ends it before `unpin`. */
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

  /** Ends expired sessions, and drops expired tombstones and leaves. O(1), amortised. */
  expire(now: number): void {
    this.#own.expire(now);
    this.#remote.expire(now);
    this.#unmatchedLeaves.expire(now);
  }

  /** Returns the records to send to a hub that sends changes: see `OwnSessions`. */
  outbox(expiringBy: number): SessionRecords {
    return this.#own.outbox(expiringBy);
  }

  /**
   * Merges all records that a hub stores, each with its expiry. KV may return an older value than before, so newer records of an
   * earlier merge stay.
   *
   * An own session that expired, with a last heartbeat by `endedBy` (ms), ends for all replicas. Its tombstone is 1 ms later than that
   * heartbeat. So it overrules all copies of that heartbeat, and no later heartbeat at another replica.
   *
   * Returns what the decision about the next write needs.
   */
  mergeStored(stored: ReadonlyMap<string, RosterEntry>, now: number, endedBy: number): StoredMerge {
    this.expire(now);
    this.#hasSynced = true;
    // Each write holds all sessions, so the outbox has no use.
    this.#own.acknowledgeAll();
    this.#own.endExpired(endedBy);
    const kept = new Map<string, RosterEntry>();
    const remote: [string, RosterEntry][] = [];
    /** Returns whether the record stays, as a remote one or in `kept`. */
    const merge = (key: string, incoming: RosterEntry): boolean => {
      if (incoming.expiresAt <= now) return false;
      if (this.#hasExpiredHere(key, incoming)) kept.set(key, incoming);
      else if (this.#mergeRecord(key, incoming, now) === 'remote') remote.push([key, incoming]);
      else return false;
      return true;
    };
    let ended = 0;
    for (const [key, incoming] of stored) {
      const known = this.#remote.get(key);
      const stays = merge(key, known !== undefined && isNewerOrLonger(known, incoming) ? known : incoming);
      if (incoming.mood !== null && !stays && !this.#own.isPresent(key)) ended += 1;
    }
    for (const [key, known] of this.#remote) if (!stored.has(key)) merge(key, known);
    remote.sort(([, a], [, b]) => a.expiresAt - b.expiresAt);
    this.#remote.replaceAll(remote);
    return { kept, ended };
  }

  /**
   * Merges the answer of a hub that sends changes, and that expires remote sessions itself. They count for a TTL after `sentAt`.
   *
   * Returns whether the hub lacks records. Then the caller calls the hub again at once.
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
    // A tombstone is needed until the next answer, or the one after that.
    const tombstoneUntil = now + 2 * this.#timing.syncIntervalMs;
    for (const [key, incoming] of records) {
      if (incoming.mood === null) this.#remote.delete(key);
      if (this.#hasExpiredHere(key, incoming)) continue;
      const winner = this.#mergeRecord(key, incoming, now);
      if (winner === 'remote')
        this.#remote.set(key, incoming, incoming.mood === null ? tombstoneUntil : Number.POSITIVE_INFINITY);
      if (winner === 'changed own') isHubBehind = true;
    }
    for (const key of sent.keys()) if (this.#remote.isPresent(key)) this.#own.forgetExpired(key);
    return isHubBehind;
  }

  /** Drops up to `count` remote records, first tombstones and then the sessions that expire first. Returns how many. */
  dropRemote(count: number): number {
    return this.#remote.dropFirst(count);
  }

  /** Whether the replica knows the named channels of other replicas. */
  get #knowsOtherChannels(): boolean {
    return this.#knowsChannels && !this.#remote.isStale;
  }

  #end(key: string, at: number, remote: SessionRecord | undefined): void {
    this.#own.leave(key, at, remote);
    this.#remote.delete(key);
  }

  /** Whether the session expired here and the remote record has no later heartbeat. */
  #hasExpiredHere(key: string, incoming: SessionRecord): boolean {
    const expired = this.#own.getExpired(key);
    return expired !== undefined && incoming.lastSeen <= expired.lastSeen;
  }

  /** Merges a remote record with the own one, and returns which one wins. The loser is removed. */
  #mergeRecord(key: string, incoming: SessionRecord, now: number): 'remote' | 'own' | 'changed own' {
    if (this.#applyUnmatchedLeave(key, incoming)) return 'changed own';
    const own = this.#own.get(key);
    if (own === undefined) return 'remote';
    if (!overrules(incoming, own)) return 'own';
    if (own.mood !== null && this.#pinned.has(key)) {
      this.#restampPinned(key, own.mood, incoming, now);
      return 'changed own';
    }
    this.#own.remove(key);
    return 'remote';
  }

  /** Ends a remote session that has an unmatched leave. A later heartbeat at another replica keeps it. */
  #applyUnmatchedLeave(key: string, incoming: SessionRecord): boolean {
    const leftAt = this.#unmatchedLeaves.get(key);
    if (leftAt === undefined || incoming.mood === null) return false;
    this.#unmatchedLeaves.delete(key);
    if (incoming.lastSeen > leftAt) return false;
    this.#end(key, leftAt, incoming);
    return true;
  }

  /** Gives a pinned session a later stamp than the remote record. A later heartbeat at another replica decides the mood. */
  #restampPinned(key: string, mood: Mood, incoming: SessionRecord, now: number): void {
    // A time in the future is of a clock that is ahead. Such a heartbeat may have been the earlier one.
    const isPast = incoming.lastSeen <= now;
    // At most 1 ms later, otherwise the stamp overrules a later heartbeat elsewhere. A heartbeat wins over a leave of the same time.
    const lastSeen = Math.min(incoming.lastSeen + (incoming.mood === null ? 0 : 1), now + CLOCK_SKEW_MAX_MS);
    this.#own.restamp(key, (isPast ? incoming.mood : null) ?? mood, lastSeen);
  }
}

/** Whether a known record is newer than the stored one, or is equal and counts longer. */
function isNewerOrLonger(known: RosterEntry, stored: RosterEntry): boolean {
  if (overrules(known, stored)) return true;
  const isSame = stored.lastSeen === known.lastSeen && stored.mood === known.mood;
  return isSame && known.expiresAt > stored.expiresAt;
}

/** What a merge of stored records found. */
export interface StoredMerge {
  /** Records of sessions that expired here and may count at another replica. The next write must keep them. */
  readonly kept: ReadonlyMap<string, RosterEntry>;
  /** Number of stored sessions that have ended: they left or expired here, or no replica refreshes them. */
  readonly ended: number;
}

/** The answer of a hub that sends changes. */
export interface HubAnswer {
  /** All present sessions, or those that started, ended or changed their mood since the last answer. */
  readonly records: SessionRecords;
  readonly isSnapshot: boolean;
  /** The hub has restarted since its last answer, and may lack records. */
  readonly isRestart: boolean;
  /** `records` has sessions of named channels, if there are any. */
  readonly includesChannels: boolean;
  /** The outbox that this answers, and when the replica sent it (ms). */
  readonly sent: SessionRecords;
  readonly sentAt: number;
}
