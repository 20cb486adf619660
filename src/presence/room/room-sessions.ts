import { CLOCK_SKEW_MAX_MS, ENDED_DROPPED_SHARE, ROOM_SESSIONS_MAX, ROOM_TOMBSTONES_MAX } from '../../limits';
import { ChannelCounts } from '../channel-counts';
import { ANY_CHANNEL } from '../channel-rules';
import { OpenChannels } from '../open-channels';
import { Roster } from '../roster';
import {
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
} from '../session';
import { channelOf, DEFAULT_CHANNEL } from '../session-key';
import { ChangeLog } from './change-log';
import { stepEndOf, TimingWheel } from './timing-wheel';

/**
 * The sessions of the room by key: those with a heartbeat within the TTL, and tombstones of those that left within it. Pure rules: no
 * clock, no I/O; `now` is in ms since 1970.
 *
 * Each call costs O(1), amortised, except `nextEnd`. A timing wheel holds each present session in one step, and checks it only at the
 * end of that step. So a session expires up to one step (250 ms) late, never early.
 *
 * Every collection has a cap. A full room refuses new sessions, and channels beyond their maximum. It drops tombstones beyond their
 * cap, the oldest first. An older copy from a slow replica may then revive a session, for at most a TTL.
 */
export class RoomSessions {
  readonly #ttlMs: number;
  readonly #present = new Map<string, PresentSession>();
  /** The tombstones. Each blocks older records of its session until it expires. */
  readonly #left = new Roster();
  readonly #openChannels: OpenChannels;
  readonly #counts: ChannelCounts;
  /** Channels whose counts changed since the last `takeChangedChannels`. */
  #changedChannels = new Set<string>();
  readonly #wheel: TimingWheel;
  /** The sessions that started, ended or changed the mood. */
  readonly #changes = new ChangeLog();
  #visits = 0;
  /** Keys of tombstones whose sessions were never present here: they started and left between two syncs. */
  readonly #leftUnseen = new Set<string>();
  /** No session expires before this (ms). -Infinity: unknown. */
  #nextEndMin = Number.NEGATIVE_INFINITY;

  constructor(ttlMs: number, now: number, channels = ANY_CHANNEL) {
    this.#ttlMs = ttlMs;
    this.#openChannels = new OpenChannels(channels);
    this.#counts = new ChannelCounts(this.#openChannels);
    this.#wheel = new TimingWheel(now);
  }

  /** The counts of the default channel. A live view: do not keep it. */
  get counts(): MoodCounts {
    return this.countsOf(DEFAULT_CHANNEL);
  }

  /** Returns the counts of any channel. A live view: do not keep it. */
  countsOf(channel: string): MoodCounts {
    return this.#counts.of(channel);
  }

  /** The named channels with present sessions. */
  get channels(): Iterable<string> {
    return this.#counts.names;
  }

  /** Returns the channels whose counts changed since the last call. */
  takeChangedChannels(): ReadonlySet<string> {
    const changed = this.#changedChannels;
    if (changed.size > 0) this.#changedChannels = new Set();
    return changed;
  }

  /**
   * Returns the number of sessions of the default channel that started since the last call. A session that returns within a TTL of its
   * last heartbeat or its leave is not one of them.
   */
  takeVisits(): number {
    const visits = this.#visits;
    this.#visits = 0;
    return visits;
  }

  /** The present sessions. A live view: do not keep it. */
  get present(): SessionRecords {
    return this.#present;
  }

  /** Number of changes since the start of the room. */
  get changeCount(): number {
    return this.#changes.count;
  }

  get isFull(): boolean {
    return this.#present.size >= ROOM_SESSIONS_MAX;
  }

  /** Returns a present session or a tombstone. A live view: do not keep it. */
  get(key: string): SessionRecord | undefined {
    return this.#present.get(key) ?? this.#left.get(key);
  }

  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    yield* this.#present;
    yield* this.#left;
  }

  /**
   * Applies a heartbeat that arrives now. Returns its `lastSeen`, which is later than that of the known record and of `overruled`.
   * Returns undefined if the session is new and the room has no place for it.
   */
  heartbeat(key: string, mood: Mood, now: number, overruled?: SessionRecord): number | undefined {
    if (this.#openChannels.refuses(channelOf(key))) return undefined;
    const present = this.#present.get(key);
    const lastSeen = stampAfter(now, present ?? this.#left.get(key), overruled);
    const expiresAt = now + this.#ttlMs;
    if (present !== undefined) this.#refresh(key, present, mood, lastSeen, expiresAt);
    else if (!this.#addPresent(key, mood, lastSeen, expiresAt, false)) return undefined;
    return lastSeen;
  }

  leave(key: string, now: number): void {
    this.#setLeft(key, stampAfter(now, this.get(key)), now + this.#ttlMs, false);
  }

  /**
   * Applies a record of a replica, a socket or the journal, unless the room has a later one.
   *
   * @param isAdmitted The room had the session before. So it is no visit, and the maximum of channels does not refuse it.
   */
  merge(key: string, { mood, lastSeen: stamp }: SessionRecord, now: number, isAdmitted = false): MergeResult {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const present = this.#present.get(key);
    const known = present ?? this.#left.get(key);
    if (known !== undefined && !overrules({ mood, lastSeen }, known))
      return overrules(known, { mood, lastSeen }) ? 'outdated' : 'same';
    const expiresAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (expiresAt <= now) return 'expired';
    if (mood === null) this.#setLeft(key, lastSeen, expiresAt, isAdmitted);
    else if (!isAdmitted && this.#openChannels.refuses(channelOf(key))) return 'too many channels';
    else if (present !== undefined) this.#refresh(key, present, mood, lastSeen, expiresAt);
    else if (!this.#addPresent(key, mood, lastSeen, expiresAt, isAdmitted)) return 'full';
    return 'applied';
  }

  /** Ends the expired sessions, in the order in which they expired. A session with a message or ping within the TTL stays. */
  expire(now: number, hooks: ExpiryHooks): void {
    for (const [key, at] of this.#wheel.advance(now)) this.#endIfExpired(key, at, hooks);
    for (const [key] of this.#left.expire(now)) this.#leftUnseen.delete(key);
  }

  /**
   * Returns the earliest time at which `expire` may end a session (ms). After a heartbeat or leave the session may end later than that.
   * Walks over all sessions in the first call, and when the time has passed.
   */
  nextEnd(now: number): number | undefined {
    if (this.#present.size === 0) return undefined;
    if (stepEndOf(this.#nextEndMin) <= now) {
      this.#nextEndMin = Number.POSITIVE_INFINITY;
      for (const { expiresAt } of this.#present.values())
        this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    }
    return stepEndOf(this.#nextEndMin);
  }

  /** Makes the next `nextEnd` walk over all sessions, because many of them now expire later. */
  forgetNextEnd(): void {
    this.#nextEndMin = Number.NEGATIVE_INFINITY;
  }

  /** Returns the keys of sessions that changed after the first `count` changes. Undefined if the room dropped some of these changes. */
  changesSince(count: number): Set<string> | undefined {
    return this.#changes.since(count);
  }

  #endIfExpired(
    key: string,
    at: number,
    { lastSeen: socketsLastSeen, onExpired, onRefreshed }: ExpiryHooks,
  ): void {
    const session = this.#present.get(key);
    if (session === undefined) return;
    const expiresAt = Math.max(session.expiresAt, (socketsLastSeen(key) ?? 0) + this.#ttlMs);
    if (expiresAt <= at) {
      this.#remove(key, session);
      onExpired(key, at);
      return;
    }
    const lastSeen = Math.max(session.lastSeen, expiresAt - this.#ttlMs);
    const isRefreshed = lastSeen > session.lastSeen;
    Object.assign(session, { lastSeen, expiresAt, step: this.#wheel.add(key, expiresAt) });
    if (isRefreshed) onRefreshed(key);
  }

  #remove(key: string, { mood, step }: PresentSession): void {
    this.#present.delete(key);
    this.#wheel.delete(key, step);
    this.#counts.move(key, mood, null);
    this.#addChange(key);
  }

  /** Changes a present session in place, because a lookup in a large Map takes long: `npm run bench -- room` measures the calls. */
  #refresh(key: string, session: PresentSession, mood: Mood, lastSeen: number, expiresAt: number): void {
    // After a clock has stepped back, the end may be earlier. Otherwise the session stays in too late a step.
    if (expiresAt < session.expiresAt) {
      this.#wheel.delete(key, session.step);
      session.step = this.#wheel.add(key, expiresAt);
    }
    session.lastSeen = lastSeen;
    session.expiresAt = expiresAt;
    this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    if (session.mood === mood) return;
    this.#counts.move(key, session.mood, mood);
    session.mood = mood;
    this.#addChange(key);
  }

  /** Adds a session that is not present. Returns false if the room is full. */
  #addPresent(key: string, mood: Mood, lastSeen: number, expiresAt: number, isAdmitted: boolean): boolean {
    if (this.isFull) return false;
    this.#present.set(key, { mood, lastSeen, expiresAt, step: this.#wheel.add(key, expiresAt) });
    this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    const hasLeft = this.#left.delete(key) !== undefined && !this.#leftUnseen.delete(key);
    if (!hasLeft && !isAdmitted && channelOf(key) === DEFAULT_CHANNEL) this.#visits += 1;
    this.#counts.move(key, null, mood);
    this.#addChange(key);
    return true;
  }

  #setLeft(key: string, lastSeen: number, expiresAt: number, isAdmitted: boolean): void {
    const known = this.#present.get(key);
    if (known !== undefined) this.#remove(key, known);
    else if (!isAdmitted && this.#left.get(key) === undefined) this.#leftUnseen.add(key);
    this.#left.set(key, null, expiresAt, lastSeen);
    if (this.#left.size <= ROOM_TOMBSTONES_MAX) return;
    for (const dropped of this.#left.dropFirst(ROOM_TOMBSTONES_MAX * ENDED_DROPPED_SHARE))
      this.#leftUnseen.delete(dropped);
  }

  #addChange(key: string): void {
    this.#changes.add(key);
    this.#changedChannels.add(channelOf(key));
  }
}

/**
 * What a merge did. `outdated`: the room has a later record. `expired`: the record is a TTL old. `full` and `too many channels`: the
 * room has no place for the session.
 */
export type MergeResult = 'applied' | 'same' | 'outdated' | 'expired' | 'full' | 'too many channels';

/** What `expire` reads, and what it reports. */
export interface ExpiryHooks {
  /** Returns when the last message or ping of a session arrived (ms). Undefined without a socket. */
  readonly lastSeen: (key: string) => number | undefined;
  /** Receives each expired session, and when it expired (ms), up to one step late. */
  readonly onExpired: (key: string, expiredAt: number) => void;
  /** Receives each session that a ping has refreshed. */
  readonly onRefreshed: (key: string) => void;
}

interface PresentSession extends SessionRecord {
  mood: Mood;
  lastSeen: number;
  /** In ms. A heartbeat changes it. The session moves to its new step at the end of its old step. */
  expiresAt: number;
  step: number;
}
