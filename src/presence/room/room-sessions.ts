import {
  CLOCK_SKEW_MAX_MS,
  ROOM_EXPIRY_STEP_MS,
  ROOM_NEWS_MAX,
  ROOM_SESSIONS_MAX,
  ROOM_TOMBSTONES_MAX,
} from '../../limits';
import {
  type Mood,
  type MoodCounts,
  NOBODY,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
} from '../session';

interface LiveSession {
  readonly mood: Mood;
  readonly lastSeen: number;
  /** When it ends (ms). */
  readonly endsAt: number;
  /** The step of the timing wheel in which it waits. */
  readonly step: number;
}

/** A session that has left. */
interface Tombstone {
  readonly id: string;
  readonly mood: null;
  readonly lastSeen: number;
  /** When it is forgotten (ms). */
  readonly endsAt: number;
}

/** The order of the tombstones is cleaned up when it is twice as long as need be, and by so many more. */
const ORDER_SPARE = 1_000;

/**
 * The sessions of the room: those that were heard within the TTL, by any replica or socket, and the tombstones of those that
 * left within it. Pure rules: no clock, no I/O; `now` is in ms since 1970.
 *
 * A heartbeat, a leave, a count and a change for replicas cost O(1). Expiry does too, amortised, by a timing wheel: a live
 * session waits in one step, and is looked at only then. So its end is seen up to one step (250 ms) late, and never early.
 *
 * Every collection has a cap that holds on every path. Live sessions: beyond `ROOM_SESSIONS_MAX` a new one is refused.
 * Tombstones: beyond `ROOM_TOMBSTONES_MAX` the oldest is dropped, and takes no place of a live session. A tombstone that is
 * dropped early guards no more: an older copy from a slow replica may revive its session, for a TTL at most.
 */
export class RoomSessions {
  readonly #ttlMs: number;
  readonly #live = new Map<string, LiveSession>();
  readonly #left = new Map<string, Tombstone>();
  /** All tombstones, the oldest first, from `#leftFrom` on; among them some that no longer count. */
  #leftOrder: Tombstone[] = [];
  #leftFrom = 0;
  readonly #counts: Record<Mood, number> = { ...NOBODY };
  /** The live sessions by the step in which to look at them; each waits in one step. */
  readonly #waiting = new Map<number, Set<string>>();
  #step: number;
  /** Ids of sessions that came, went or changed the mood, the latest last; the first one has the number `#newsFrom`. */
  #news: string[] = [];
  #newsFrom = 0;
  #newcomersEnd = Number.POSITIVE_INFINITY;

  constructor(ttlMs: number, now: number) {
    this.#ttlMs = ttlMs;
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** Live view: read it, don't keep it. */
  get counts(): MoodCounts {
    return this.#counts;
  }

  /** How many changes there have been. */
  get newsCount(): number {
    return this.#newsFrom + this.#news.length;
  }

  /** Whether a new session is refused. */
  get isFull(): boolean {
    return this.#live.size >= ROOM_SESSIONS_MAX;
  }

  /** How many entries all collections hold together: the memory of a room follows this number. */
  get entries(): number {
    const waiting = [...this.#waiting.values()].reduce((sum, ids) => sum + ids.size, 0);
    return this.#live.size + this.#left.size + this.#leftOrder.length + waiting + this.#news.length;
  }

  get(id: string): SessionRecord | undefined {
    const known = this.#known(id);
    return known && { mood: known.mood, lastSeen: known.lastSeen };
  }

  /** Iterates over the live sessions and the tombstones. */
  *[Symbol.iterator](): IterableIterator<[string, SessionRecord]> {
    for (const [id, { mood, lastSeen }] of this.#live) yield [id, { mood, lastSeen }];
    for (const [id, { lastSeen }] of this.#left) yield [id, { mood: null, lastSeen }];
  }

  /** When the next session will be seen to end (ms), if there is one. Costs a walk over all live ones, and starts `newcomersEnd` anew. */
  findNextEnd(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { endsAt } of this.#live.values()) next = Math.min(next, endsAt);
    this.#newcomersEnd = Number.POSITIVE_INFINITY;
    return next === Number.POSITIVE_INFINITY ? undefined : seenToEnd(next);
  }

  /** The same of those who came since `findNextEnd` was asked for, without a walk. */
  get newcomersEnd(): number | undefined {
    return this.#newcomersEnd === Number.POSITIVE_INFINITY ? undefined : seenToEnd(this.#newcomersEnd);
  }

  /**
   * A message of a live socket, or a leave (`null`). Returns the time that is noted, which is later than any known of the
   * session; or undefined if the session is new and the room is full.
   */
  touch(id: string, mood: Mood | null, now: number): number | undefined {
    const lastSeen = stampAfter(now, this.#known(id));
    return this.#set(id, { mood, lastSeen }, now + this.#ttlMs, now) ? lastSeen : undefined;
  }

  /**
   * Takes in what was heard elsewhere, the later time winning: `later` if something later is known here, `known` if just this
   * is, `over` if it is, `full` if there is no room for a new session, and else `new`.
   */
  learn(
    id: string,
    { mood, lastSeen: stamp }: SessionRecord,
    now: number,
  ): 'new' | 'known' | 'over' | 'full' | 'later' {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const known = this.#known(id);
    if (known !== undefined && !overrules({ mood, lastSeen }, known)) {
      return overrules(known, { mood, lastSeen }) ? 'later' : 'known';
    }
    const endsAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (endsAt <= now) return 'over';
    return this.#set(id, { mood, lastSeen }, endsAt, now) ? 'new' : 'full';
  }

  /**
   * Ends the sessions whose time is over, and returns their ids. `heardAt` is asked before one ends whether it was heard by
   * other means.
   */
  expire(now: number, heardAt: (id: string) => number | undefined): readonly string[] {
    const ended: string[] = [];
    while (this.#step < Math.floor(now / ROOM_EXPIRY_STEP_MS)) {
      this.#step += 1;
      const ids = this.#waiting.get(this.#step) ?? [];
      this.#waiting.delete(this.#step);
      for (const id of ids) if (this.#endsNow(id, now, heardAt)) ended.push(id);
    }
    this.#forget(now);
    return ended;
  }

  /** The sessions that came, went or changed the mood since there were so many changes, or undefined if that is no longer known. */
  newsSince(count: number): ReadonlySet<string> | undefined {
    if (count < this.#newsFrom || count > this.newsCount) return undefined;
    return new Set(this.#news.slice(count - this.#newsFrom));
  }

  /** All live sessions. */
  listAll(): SessionRecords {
    const all = new Map<string, SessionRecord>();
    for (const [id, { mood, lastSeen }] of this.#live) all.set(id, { mood, lastSeen });
    return all;
  }

  #known(id: string): LiveSession | Tombstone | undefined {
    return this.#live.get(id) ?? this.#left.get(id);
  }

  #endsNow(id: string, now: number, heardAt: (id: string) => number | undefined): boolean {
    const live = this.#live.get(id);
    if (live === undefined) return false;
    const endsAt = Math.max(live.endsAt, (heardAt(id) ?? 0) + this.#ttlMs);
    if (endsAt <= now) {
      this.#live.delete(id);
      this.#counts[live.mood] -= 1;
      this.#record(id);
      return true;
    }
    const lastSeen = Math.max(live.lastSeen, endsAt - this.#ttlMs);
    this.#live.set(id, { mood: live.mood, lastSeen, endsAt, step: this.#wait(id, endsAt) });
    return false;
  }

  /** Returns whether there was room for it. */
  #set(id: string, { mood, lastSeen }: SessionRecord, endsAt: number, now: number): boolean {
    if (mood === null) {
      this.#leave({ id, mood, lastSeen, endsAt }, now);
      return true;
    }
    const known = this.#live.get(id);
    if (known === undefined && this.isFull) return false;
    this.#live.set(id, { mood, lastSeen, endsAt, step: known?.step ?? this.#wait(id, endsAt) });
    if (known === undefined) {
      this.#left.delete(id);
      this.#newcomersEnd = Math.min(this.#newcomersEnd, endsAt);
    } else {
      if (known.mood === mood) return true;
      this.#counts[known.mood] -= 1;
    }
    this.#counts[mood] += 1;
    this.#record(id);
    return true;
  }

  #leave(tombstone: Tombstone, now: number): void {
    const { id } = tombstone;
    const live = this.#live.get(id);
    if (live !== undefined) {
      this.#live.delete(id);
      this.#waiting.get(live.step)?.delete(id);
      this.#counts[live.mood] -= 1;
      this.#record(id);
    }
    this.#left.set(id, tombstone);
    this.#leftOrder.push(tombstone);
    this.#forget(now);
    if (this.#leftOrder.length <= 2 * this.#left.size + ORDER_SPARE) return;
    // A session that comes and goes leaves a tombstone each time. Only the last one counts.
    this.#leftOrder = this.#leftOrder.slice(this.#leftFrom).filter((one) => this.#left.get(one.id) === one);
    this.#leftFrom = 0;
  }

  /** Drops the tombstones whose time is over, and the oldest of too many. */
  #forget(now: number): void {
    for (; this.#leftFrom < this.#leftOrder.length; this.#leftFrom += 1) {
      const oldest = this.#leftOrder[this.#leftFrom];
      if (oldest === undefined || this.#left.get(oldest.id) !== oldest) continue;
      if (oldest.endsAt > now && this.#left.size <= ROOM_TOMBSTONES_MAX) return;
      this.#left.delete(oldest.id);
    }
    this.#leftOrder = [];
    this.#leftFrom = 0;
  }

  /** Lets the session wait in the timing wheel, and returns in which step. */
  #wait(id: string, until: number): number {
    const step = Math.max(seenToEnd(until) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const waiting = this.#waiting.get(step) ?? new Set();
    this.#waiting.set(step, waiting.add(id));
    return step;
  }

  #record(id: string): void {
    this.#news.push(id);
    if (this.#news.length <= ROOM_NEWS_MAX) return;
    const dropped = ROOM_NEWS_MAX / 2;
    this.#news.splice(0, dropped);
    this.#newsFrom += dropped;
  }
}

/** The start of the step at which a session that ends then is looked at. */
const seenToEnd = (endsAt: number) => Math.ceil(endsAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
