import {
  CLOCK_SKEW_MAX_MS,
  ENDED_DROPPED_SHARE,
  ROOM_CHANGES_MAX,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SESSIONS_MAX,
  ROOM_TOMBSTONES_MAX,
} from '../../limits';
import { Roster } from '../roster';
import {
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
  ZERO_COUNTS,
} from '../session';

/**
 * The sessions of the room: those with a heartbeat within the TTL, and tombstones of those that left within it. Pure rules: no
 * clock, no I/O. `now` is in ms since 1970.
 *
 * Each call costs O(1), amortised, except `nextEnd`. A timing wheel holds each present session in one step, and only that step
 * looks at it. So a session expires up to one step (250 ms) late, never early.
 *
 * Every collection has a cap. A full room refuses new sessions. Tombstones beyond their cap are dropped, the oldest first. An
 * older copy from a slow replica may then revive a session, for at most a TTL.
 */
export class RoomSessions {
  readonly #ttlMs: number;
  readonly #present = new Map<string, PresentSession>();
  /** The tombstones. Each blocks older records of its session until it expires. */
  readonly #left = new Roster();
  readonly #counts: Record<Mood, number> = { ...ZERO_COUNTS };
  /** The timing wheel: ids of present sessions by step. */
  readonly #wheel = new Map<number, Set<string>>();
  #step: number;
  /** Ids of sessions that came, went or changed the mood. The first one has the number `#changesFrom`. */
  #changes: string[] = [];
  #changesFrom = 0;
  /** No session expires before this (ms). -Infinity: unknown. */
  #nextEndMin = Number.NEGATIVE_INFINITY;

  constructor(ttlMs: number, now: number) {
    this.#ttlMs = ttlMs;
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** A live view: do not keep it. */
  get counts(): MoodCounts {
    return this.#counts;
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
  get(id: string): SessionRecord | undefined {
    return this.#present.get(id) ?? this.#left.get(id);
  }

  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    yield* this.#present;
    yield* this.#left;
  }

  /**
   * Applies a heartbeat of now. Returns its `lastSeen`, which is later than that of the known record and of `overruled`.
   * Returns undefined if the session is new and the room is full.
   */
  heartbeat(id: string, mood: Mood, now: number, overruled?: SessionRecord): number | undefined {
    const lastSeen = stampAfter(now, this.get(id), overruled);
    return this.#setPresent(id, mood, lastSeen, now + this.#ttlMs) ? lastSeen : undefined;
  }

  leave(id: string, now: number): void {
    this.#setLeft(id, stampAfter(now, this.get(id)), now + this.#ttlMs);
  }

  /** Applies a record from elsewhere, unless the room has a later one. */
  merge(id: string, { mood, lastSeen: stamp }: SessionRecord, now: number): MergeResult {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const known = this.get(id);
    if (known !== undefined && !overrules({ mood, lastSeen }, known))
      return overrules(known, { mood, lastSeen }) ? 'outdated' : 'same';
    const expiresAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (expiresAt <= now) return 'expired';
    if (mood !== null) return this.#setPresent(id, mood, lastSeen, expiresAt) ? 'applied' : 'full';
    this.#setLeft(id, lastSeen, expiresAt);
    return 'applied';
  }

  /** Ends the expired sessions, and returns their ids. A session whose sockets were seen within the TTL stays. */
  expire(now: number, socketsLastSeen: (id: string) => number | undefined): readonly string[] {
    const expired: string[] = [];
    while (this.#step < Math.floor(now / ROOM_EXPIRY_STEP_MS)) {
      this.#step += 1;
      const ids = this.#wheel.get(this.#step) ?? [];
      this.#wheel.delete(this.#step);
      for (const id of ids) if (this.#endIfExpired(id, now, socketsLastSeen(id) ?? 0)) expired.push(id);
    }
    this.#left.expire(now);
    return expired;
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

  #endIfExpired(id: string, now: number, socketsLastSeen: number): boolean {
    const session = this.#present.get(id);
    if (session === undefined) return false;
    const expiresAt = Math.max(session.expiresAt, socketsLastSeen + this.#ttlMs);
    if (expiresAt <= now) return this.#remove(id, session);
    const lastSeen = Math.max(session.lastSeen, expiresAt - this.#ttlMs);
    this.#present.set(id, { mood: session.mood, lastSeen, expiresAt, step: this.#addToWheel(id, expiresAt) });
    return false;
  }

  #remove(id: string, { mood, step }: PresentSession): true {
    this.#present.delete(id);
    this.#wheel.get(step)?.delete(id);
    this.#counts[mood] -= 1;
    this.#addChange(id);
    return true;
  }

  /** Returns false if the session is new and the room is full. */
  #setPresent(id: string, mood: Mood, lastSeen: number, expiresAt: number): boolean {
    const known = this.#present.get(id);
    if (known === undefined && this.isFull) return false;
    // A clock that stepped back can bring the end forward.
    const isSooner = known !== undefined && expiresAt < known.expiresAt;
    if (isSooner) this.#wheel.get(known.step)?.delete(id);
    const step = known === undefined || isSooner ? this.#addToWheel(id, expiresAt) : known.step;
    this.#present.set(id, { mood, lastSeen, expiresAt, step });
    this.#nextEndMin = Math.min(this.#nextEndMin, expiresAt);
    if (known === undefined) this.#left.delete(id);
    else if (known.mood === mood) return true;
    else this.#counts[known.mood] -= 1;
    this.#counts[mood] += 1;
    this.#addChange(id);
    return true;
  }

  #setLeft(id: string, lastSeen: number, expiresAt: number): void {
    const known = this.#present.get(id);
    if (known !== undefined) this.#remove(id, known);
    this.#left.set(id, null, expiresAt, lastSeen);
    if (this.#left.size > ROOM_TOMBSTONES_MAX)
      this.#left.dropFirst(ROOM_TOMBSTONES_MAX * ENDED_DROPPED_SHARE);
  }

  /** Returns the step of the session. */
  #addToWheel(id: string, expiresAt: number): number {
    const step = Math.max(stepOf(expiresAt) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const ids = this.#wheel.get(step) ?? new Set();
    this.#wheel.set(step, ids.add(id));
    return step;
  }

  #addChange(id: string): void {
    this.#changes.push(id);
    if (this.#changes.length <= ROOM_CHANGES_MAX) return;
    const dropped = ROOM_CHANGES_MAX / 2;
    this.#changes.splice(0, dropped);
    this.#changesFrom += dropped;
  }
}

/** What a merge did. `outdated`: the room has a later record. `expired`: the record is a TTL old. `full`: the room is full. */
export type MergeResult = 'applied' | 'same' | 'outdated' | 'expired' | 'full';

interface PresentSession extends SessionRecord {
  readonly mood: Mood;
  /** In ms. A heartbeat changes it. The session moves to its new step when its old step comes. */
  readonly expiresAt: number;
  readonly step: number;
}

/** The start of the step that ends a session (ms). */
const stepOf = (expiresAt: number) => Math.ceil(expiresAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
