import {
  CLOCK_SKEW_MAX_MS,
  ROOM_CHANGES_MAX,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SESSIONS_MAX,
  ROOM_TOMBSTONES_MAX,
} from '../../limits';
import {
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
  ZERO_COUNTS,
} from '../session';

interface LiveSession extends SessionRecord {
  readonly mood: Mood;
  /** When it expires (ms), and the step of the timing wheel that holds it. */
  readonly endsAt: number;
  readonly step: number;
}

/** A session that left. It blocks older records until it expires. */
interface Tombstone extends SessionRecord {
  readonly id: string;
  readonly endsAt: number;
}

/** What a merge did. `outdated`: the room has a later record. `expired`: the record is a TTL old. `full`: the room is full. */
type MergeResult = 'applied' | 'same' | 'outdated' | 'expired' | 'full';

/** The list of tombstones may be so much longer than twice their number. */
const TOMBSTONE_LIST_SPARE = 1_000;

/**
 * The sessions of the room: those with a heartbeat within the TTL, and the tombstones of those that left within it. Pure
 * rules: no clock, no I/O; `now` is in ms since 1970.
 *
 * Each call costs O(1), amortised; `nextEnd` and `snapshot` say what they cost. A step of a timing wheel holds each live
 * session, and only that step looks at it. So a session expires up to one step (250 ms) late, never early.
 *
 * Every collection has a cap that holds on every path. A full room refuses new sessions. Of too many tombstones it drops the
 * oldest, and none takes the place of a live session. An older copy from a slow replica may then revive a session, for a TTL.
 */
export class RoomSessions {
  readonly #ttlMs: number;
  readonly #live = new Map<string, LiveSession>();
  readonly #left = new Map<string, Tombstone>();
  /** The tombstones from `#leftFrom` on, the oldest first. Some are replaced by now. */
  #leftList: Tombstone[] = [];
  #leftFrom = 0;
  readonly #counts: Record<Mood, number> = { ...ZERO_COUNTS };
  /** The timing wheel: the live sessions by step, each in one step. */
  readonly #wheel = new Map<number, Set<string>>();
  #step: number;
  /** Ids of sessions that came, went or changed the mood. The first one has the number `#changesFrom`. */
  #changes: string[] = [];
  #changesFrom = 0;
  /** No live session ends before this (ms). -Infinity: unknown. */
  #nextEndMin = Number.NEGATIVE_INFINITY;

  constructor(ttlMs: number, now: number) {
    this.#ttlMs = ttlMs;
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** A live view: do not keep it. */
  get counts(): MoodCounts {
    return this.#counts;
  }

  get changeCount(): number {
    return this.#changesFrom + this.#changes.length;
  }

  get isFull(): boolean {
    return this.#live.size >= ROOM_SESSIONS_MAX;
  }

  /** The number of entries in all collections. The memory of a room follows it. */
  get entries(): number {
    const collections = [this.#live, this.#left, ...this.#wheel.values()];
    return collections.reduce((sum, { size }) => sum + size, this.#leftList.length + this.#changes.length);
  }

  get(id: string): SessionRecord | undefined {
    const found = this.#find(id);
    return found && { mood: found.mood, lastSeen: found.lastSeen };
  }

  /** All live sessions and tombstones. */
  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    for (const [id, { mood, lastSeen }] of this.#live) yield [id, { mood, lastSeen }];
    for (const [id, { lastSeen }] of this.#left) yield [id, { mood: null, lastSeen }];
  }

  /** All live sessions. Walks over them. */
  snapshot(): SessionRecords {
    const all = new Map<string, SessionRecord>();
    for (const [id, { mood, lastSeen }] of this.#live) all.set(id, { mood, lastSeen });
    return all;
  }

  /**
   * Applies a heartbeat of now. Returns its `lastSeen`, which is later than that of the known record and of `overruled`.
   * Returns undefined if the session is new and the room is full.
   */
  heartbeat(id: string, mood: Mood, now: number, overruled?: SessionRecord): number | undefined {
    const lastSeen = stampAfter(now, this.#find(id), overruled);
    return this.#setLive(id, mood, lastSeen, now + this.#ttlMs) ? lastSeen : undefined;
  }

  /** Applies a leave of now. */
  leave(id: string, now: number): void {
    const lastSeen = stampAfter(now, this.#find(id));
    this.#setLeft({ id, mood: null, lastSeen, endsAt: now + this.#ttlMs }, now);
  }

  /** Applies a record from elsewhere, unless the room has a later one. */
  merge(id: string, { mood, lastSeen: stamp }: SessionRecord, now: number): MergeResult {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const known = this.#find(id);
    if (known !== undefined && !overrules({ mood, lastSeen }, known))
      return overrules(known, { mood, lastSeen }) ? 'outdated' : 'same';
    const endsAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (endsAt <= now) return 'expired';
    if (mood !== null) return this.#setLive(id, mood, lastSeen, endsAt) ? 'applied' : 'full';
    this.#setLeft({ id, mood, lastSeen, endsAt }, now);
    return 'applied';
  }

  /** Ends the expired sessions, and returns their ids. A session whose sockets were seen within the TTL stays. */
  expire(now: number, socketsLastSeen: (id: string) => number | undefined): readonly string[] {
    const ended: string[] = [];
    while (this.#step < Math.floor(now / ROOM_EXPIRY_STEP_MS)) {
      this.#step += 1;
      const ids = this.#wheel.get(this.#step) ?? [];
      this.#wheel.delete(this.#step);
      for (const id of ids) if (this.#endIfExpired(id, now, socketsLastSeen)) ended.push(id);
    }
    this.#dropTombstones(now);
    return ended;
  }

  /**
   * When `expire` may next end a session (ms). A heartbeat or leave since the last call may have moved that end. Walks over
   * all sessions in the first call, and when the end has passed.
   */
  nextEnd(now: number): number | undefined {
    if (this.#live.size === 0) return undefined;
    if (stepOf(this.#nextEndMin) <= now) {
      this.#nextEndMin = Number.POSITIVE_INFINITY;
      for (const { endsAt } of this.#live.values()) this.#nextEndMin = Math.min(this.#nextEndMin, endsAt);
    }
    return stepOf(this.#nextEndMin);
  }

  /** Lets the next `nextEnd` walk over all sessions: many ends have moved. */
  forgetNextEnd(): void {
    this.#nextEndMin = Number.NEGATIVE_INFINITY;
  }

  /** The sessions that came, went or changed the mood after the first `count` changes; undefined if the room dropped some. */
  changesSince(count: number): Set<string> | undefined {
    if (count < this.#changesFrom || count > this.changeCount) return undefined;
    return new Set(this.#changes.slice(count - this.#changesFrom));
  }

  #find(id: string): LiveSession | Tombstone | undefined {
    return this.#live.get(id) ?? this.#left.get(id);
  }

  #endIfExpired(id: string, now: number, socketsLastSeen: (id: string) => number | undefined): boolean {
    const live = this.#live.get(id);
    if (live === undefined) return false;
    const endsAt = Math.max(live.endsAt, (socketsLastSeen(id) ?? 0) + this.#ttlMs);
    if (endsAt <= now) return this.#remove(id, live);
    const lastSeen = Math.max(live.lastSeen, endsAt - this.#ttlMs);
    this.#live.set(id, { mood: live.mood, lastSeen, endsAt, step: this.#wait(id, endsAt) });
    return false;
  }

  #remove(id: string, { mood, step }: LiveSession): true {
    this.#live.delete(id);
    this.#wheel.get(step)?.delete(id);
    this.#counts[mood] -= 1;
    this.#addChange(id);
    return true;
  }

  /** Returns false if the session is new and the room is full. */
  #setLive(id: string, mood: Mood, lastSeen: number, endsAt: number): boolean {
    const known = this.#live.get(id);
    if (known === undefined && this.isFull) return false;
    this.#live.set(id, { mood, lastSeen, endsAt, step: known?.step ?? this.#wait(id, endsAt) });
    this.#nextEndMin = Math.min(this.#nextEndMin, endsAt);
    if (known === undefined) this.#left.delete(id);
    else if (known.mood === mood) return true;
    else this.#counts[known.mood] -= 1;
    this.#counts[mood] += 1;
    this.#addChange(id);
    return true;
  }

  #setLeft(tombstone: Tombstone, now: number): void {
    const { id } = tombstone;
    const live = this.#live.get(id);
    if (live !== undefined) this.#remove(id, live);
    this.#left.set(id, tombstone);
    this.#leftList.push(tombstone);
    this.#dropTombstones(now);
    if (this.#leftList.length <= 2 * this.#left.size + TOMBSTONE_LIST_SPARE) return;
    // A session that comes and leaves many times adds a tombstone each time, and only its last one counts.
    this.#leftList = this.#leftList.slice(this.#leftFrom).filter((one) => this.#left.get(one.id) === one);
    this.#leftFrom = 0;
  }

  /** Drops the expired tombstones, and the oldest of too many. */
  #dropTombstones(now: number): void {
    for (; this.#leftFrom < this.#leftList.length; this.#leftFrom += 1) {
      const oldest = this.#leftList[this.#leftFrom];
      if (oldest === undefined || this.#left.get(oldest.id) !== oldest) continue;
      if (oldest.endsAt > now && this.#left.size <= ROOM_TOMBSTONES_MAX) return;
      this.#left.delete(oldest.id);
    }
    this.#leftList = [];
    this.#leftFrom = 0;
  }

  /** Puts the session into the timing wheel, and returns its step. */
  #wait(id: string, until: number): number {
    const step = Math.max(stepOf(until) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const waiting = this.#wheel.get(step) ?? new Set();
    this.#wheel.set(step, waiting.add(id));
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

/** The start of the step that ends a session of that end (ms). */
const stepOf = (endsAt: number) => Math.ceil(endsAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
