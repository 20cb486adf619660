import {
  CLOCK_SKEW_MAX_MS,
  ENDED_DROPPED_SHARE,
  ROOM_CHANGES_MAX,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SESSIONS_MAX,
  ROOM_TOMBSTONES_MAX,
} from '../../limits';
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

/**
 * The sessions of the room by key: those with a heartbeat within the TTL, and tombstones of those that left within it. Pure rules: no
 * clock, no I/O. `now` is in ms since 1970.
 *
 * Each call costs O(1), amortised, except `nextEnd`. A timing wheel holds each present session in one step, and only that step
 * looks at it. So a session expires up to one step (250 ms) late, never early.
 *
 * Every collection has a cap. A full room refuses new sessions, and further channels beyond their maximum. Tombstones beyond their cap are dropped, the oldest first. An
 * older copy from a slow replica may then revive a session, for at most a TTL.
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
  /** The timing wheel: keys of present sessions by step. */
  readonly #wheel = new Map<number, Set<string>>();
  #step: number;
  /** Keys of sessions that came, went or changed the mood. The first one has the number `#changesFrom`. */
  #changes: string[] = [];
  #changesFrom = 0;
  #visits = 0;
  /** Tombstones of sessions that were never present here: they came and left between two syncs. */
  readonly #leftUnseen = new Set<string>();
  /** No session expires before this (ms). -Infinity: unknown. */
  #nextEndMin = Number.NEGATIVE_INFINITY;

  constructor(ttlMs: number, now: number, channels = ANY_CHANNEL) {
    this.#ttlMs = ttlMs;
    this.#openChannels = new OpenChannels(channels);
    this.#counts = new ChannelCounts(this.#openChannels);
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** The counts of the default channel. A live view: do not keep it. */
  get counts(): MoodCounts {
    return this.countsOf(DEFAULT_CHANNEL);
  }

  /** The same of any channel. */
  countsOf(channel: string): MoodCounts {
    return this.#counts.of(channel);
  }

  /** The named channels with present sessions. */
  get channels(): Iterable<string> {
    return this.#counts.names;
  }

  /** The channels whose counts changed since the last call. */
  takeChangedChannels(): ReadonlySet<string> {
    const changed = this.#changedChannels;
    if (changed.size > 0) this.#changedChannels = new Set();
    return changed;
  }

  /**
   * The sessions of the default channel that came since the last call. A session that comes back within a TTL of its last heartbeat or
   * its leave is not one of them.
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

  get changeCount(): number {
    return this.#changesFrom + this.#changes.length;
  }

  get isFull(): boolean {
    return this.#present.size >= ROOM_SESSIONS_MAX;
  }

  /** A present session or a tombstone. */
  get(key: string): SessionRecord | undefined {
    return this.#present.get(key) ?? this.#left.get(key);
  }

  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    yield* this.#present;
    yield* this.#left;
  }

  /**
   * Applies a heartbeat of now. Returns its `lastSeen`, which is later than that of the known record and of `overruled`.
   * Returns undefined if the session is new and the room has no place for it.
   */
  heartbeat(key: string, mood: Mood, now: number, overruled?: SessionRecord): number | undefined {
    if (this.#openChannels.refuses(channelOf(key))) return undefined;
    const lastSeen = stampAfter(now, this.get(key), overruled);
    return this.#setPresent(key, mood, lastSeen, now + this.#ttlMs, false) ? lastSeen : undefined;
  }

  leave(key: string, now: number): void {
    this.#setLeft(key, stampAfter(now, this.get(key)), now + this.#ttlMs, false);
  }

  /**
   * Applies a record from elsewhere, unless the room has a later one.
   *
   * @param isAdmitted The room had the session before. So it is no visit, and no maximum of channels refuses it.
   */
  merge(key: string, { mood, lastSeen: stamp }: SessionRecord, now: number, isAdmitted = false): MergeResult {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const known = this.get(key);
    if (known !== undefined && !overrules({ mood, lastSeen }, known))
      return overrules(known, { mood, lastSeen }) ? 'outdated' : 'same';
    const expiresAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (expiresAt <= now) return 'expired';
    if (mood !== null) {
      if (!isAdmitted && this.#openChannels.refuses(channelOf(key))) return 'too many channels';
      return this.#setPresent(key, mood, lastSeen, expiresAt, isAdmitted) ? 'applied' : 'full';
    }
    this.#setLeft(key, lastSeen, expiresAt, isAdmitted);
    return 'applied';
  }

  /**
   * Ends the expired sessions, in the order in which they expired. A session whose sockets were seen within the TTL stays.
   *
   * @param onExpired Gets each one, and when it expired (ms), up to one step late.
   */
  expire(
    now: number,
    socketsLastSeen: (key: string) => number | undefined,
    onExpired: (key: string, expiredAt: number) => void,
  ): void {
    const lastStep = Math.floor(now / ROOM_EXPIRY_STEP_MS);
    while (this.#step < lastStep) {
      this.#step = this.#nextStep(lastStep);
      const keys = this.#wheel.get(this.#step) ?? [];
      this.#wheel.delete(this.#step);
      const expiredAt = this.#step * ROOM_EXPIRY_STEP_MS;
      for (const key of keys)
        if (this.#endIfExpired(key, expiredAt, socketsLastSeen(key) ?? 0)) onExpired(key, expiredAt);
    }
    for (const [key] of this.#left.expire(now)) this.#leftUnseen.delete(key);
  }

  /**
   * When `expire` may next end a session (ms). A heartbeat or leave since the last call may have moved that time. Walks over
   * all sessions in the first call, and when the time has passed.
   */
  nextEnd(now: number): number | undefined {
    if (this.#present.size === 0) return undefined;
    if (stepOf(this.#nextEndMin) <= now) {
      this.#nextEndMin = Number.POSITIVE_INFINITY;
      for (const { expiresAt } of this.#present.values())
        this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    }
    return stepOf(this.#nextEndMin);
  }

  /** Lets the next `nextEnd` walk over all sessions: many of them expire later now. */
  forgetNextEnd(): void {
    this.#nextEndMin = Number.NEGATIVE_INFINITY;
  }

  /** The sessions that came, went or changed the mood after the first `count` changes; undefined if the room dropped some. */
  changesSince(count: number): Set<string> | undefined {
    if (count < this.#changesFrom || count > this.changeCount) return undefined;
    return new Set(this.#changes.slice(count - this.#changesFrom));
  }

  /** The next step to look at. It skips empty steps, otherwise an object that was away for a week walks over 2.4 million. */
  #nextStep(lastStep: number): number {
    const { size } = this.#wheel;
    // The search for the next key, once for each key, must not cost more than the walk.
    if (size * size >= lastStep - this.#step) return this.#step + 1;
    return Math.min(lastStep, ...this.#wheel.keys());
  }

  #endIfExpired(key: string, now: number, socketsLastSeen: number): boolean {
    const session = this.#present.get(key);
    if (session === undefined) return false;
    const expiresAt = Math.max(session.expiresAt, socketsLastSeen + this.#ttlMs);
    if (expiresAt <= now) return this.#remove(key, session);
    const lastSeen = Math.max(session.lastSeen, expiresAt - this.#ttlMs);
    this.#present.set(key, {
      mood: session.mood,
      lastSeen,
      expiresAt,
      step: this.#addToWheel(key, expiresAt),
    });
    return false;
  }

  #remove(key: string, { mood, step }: PresentSession): true {
    this.#present.delete(key);
    this.#wheel.get(step)?.delete(key);
    this.#counts.move(key, mood, null);
    this.#addChange(key);
    return true;
  }

  /** Returns false if the session is new and the room is full. */
  #setPresent(key: string, mood: Mood, lastSeen: number, expiresAt: number, isAdmitted: boolean): boolean {
    const known = this.#present.get(key);
    if (known === undefined && this.isFull) return false;
    // A clock that stepped back can bring the end forward.
    const isSooner = known !== undefined && expiresAt < known.expiresAt;
    if (isSooner) this.#wheel.get(known.step)?.delete(key);
    const step = known === undefined || isSooner ? this.#addToWheel(key, expiresAt) : known.step;
    this.#present.set(key, { mood, lastSeen, expiresAt, step });
    this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    if (known?.mood === mood) return true;
    if (known === undefined) {
      const hasLeft = this.#left.delete(key) !== undefined && !this.#leftUnseen.delete(key);
      if (!hasLeft && !isAdmitted && channelOf(key) === DEFAULT_CHANNEL) this.#visits += 1;
    }
    this.#counts.move(key, known?.mood ?? null, mood);
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

  /** Returns the step of the session. */
  #addToWheel(key: string, expiresAt: number): number {
    const step = Math.max(stepOf(expiresAt) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const keys = this.#wheel.get(step) ?? new Set();
    this.#wheel.set(step, keys.add(key));
    return step;
  }

  #addChange(key: string): void {
    this.#changes.push(key);
    this.#changedChannels.add(channelOf(key));
    if (this.#changes.length <= ROOM_CHANGES_MAX) return;
    const dropped = ROOM_CHANGES_MAX / 2;
    this.#changes.splice(0, dropped);
    this.#changesFrom += dropped;
  }
}

/**
 * What a merge did. `outdated`: the room has a later record. `expired`: the record is a TTL old. `full` and `too many channels`: the
 * room has no place for the session.
 */
export type MergeResult = 'applied' | 'same' | 'outdated' | 'expired' | 'full' | 'too many channels';

interface PresentSession extends SessionRecord {
  readonly mood: Mood;
  /** In ms. A heartbeat changes it. The session moves to its new step when its old step comes. */
  readonly expiresAt: number;
  readonly step: number;
}

/** The start of the step that ends a session (ms). */
const stepOf = (expiresAt: number) => Math.ceil(expiresAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
