import { CLOCK_SKEW_MAX_MS, ROOM_EXPIRY_STEP_MS, ROOM_NEWS_MAX, ROOM_SESSIONS_MAX } from '../limits';
import {
  type Mood,
  type MoodCounts,
  NOBODY,
  overrules,
  type SessionRecord,
  type SessionRecords,
  stampAfter,
} from './session';

interface Entry {
  readonly mood: Mood | null;
  readonly lastSeen: number;
  /** When it ends, or is forgotten if it has left (ms). */
  readonly endsAt: number;
}

/**
 * Everybody in the room: who was heard within the TTL, by whomever, and who left within it. Pure rules: no clock, no I/O;
 * `now` is in ms since 1970.
 *
 * Hearing somebody, counting and telling the news cost O(1); so does expiring, amortised, by a timing wheel: a session waits in
 * the step in which it would end, and is looked at only then. It may so be seen to end one step (250 ms) late, and never early.
 */
export class RoomSessions {
  readonly #ttlMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #counts: Record<Mood, number> = { ...NOBODY };
  /** Sessions by the step in which to look at them. */
  readonly #waiting = new Map<number, string[]>();
  #step: number;
  /** Ids of those who came, went or changed the mood, the latest last; the first one has the number `#newsFrom`. */
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

  /** How many news there have been. */
  get newsCount(): number {
    return this.#newsFrom + this.#news.length;
  }

  get(id: string): SessionRecord | undefined {
    const entry = this.#entries.get(id);
    return entry && { mood: entry.mood, lastSeen: entry.lastSeen };
  }

  /** When the next session will be seen to end (ms), if there is one. Costs a walk over all, and starts `newcomersEnd` anew. */
  findNextEnd(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { mood, endsAt } of this.#entries.values()) if (mood !== null) next = Math.min(next, endsAt);
    this.#newcomersEnd = Number.POSITIVE_INFINITY;
    return next === Number.POSITIVE_INFINITY ? undefined : seenToEnd(next);
  }

  /** The same of those who came since `findNextEnd` was asked for, without a walk. */
  get newcomersEnd(): number | undefined {
    return this.#newcomersEnd === Number.POSITIVE_INFINITY ? undefined : seenToEnd(this.#newcomersEnd);
  }

  /** Somebody was heard here, or left. Returns the time that was noted, which is later than any known of the session. */
  touch(id: string, mood: Mood | null, now: number): number {
    const lastSeen = stampAfter(now, this.#entries.get(id));
    this.#set(id, { mood, lastSeen, endsAt: now + this.#ttlMs });
    return lastSeen;
  }

  /**
   * Takes in what was heard elsewhere, the later time winning: `later` if something later is known here, `known` if just this
   * is, `over` if it is, `full` if there is no room for somebody new, and else `new`.
   */
  learn(
    id: string,
    { mood, lastSeen: stamp }: SessionRecord,
    now: number,
  ): 'new' | 'known' | 'over' | 'full' | 'later' {
    const lastSeen = Math.min(stamp, now + CLOCK_SKEW_MAX_MS);
    const known = this.#entries.get(id);
    if (known !== undefined && !overrules({ mood, lastSeen }, known)) {
      return overrules(known, { mood, lastSeen }) ? 'later' : 'known';
    }
    const endsAt = Math.min(lastSeen, now) + this.#ttlMs;
    if (endsAt <= now) return 'over';
    if (known === undefined && this.#entries.size >= ROOM_SESSIONS_MAX) return 'full';
    this.#set(id, { mood, lastSeen, endsAt });
    return 'new';
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
    return ended;
  }

  /** Who came, went or changed the mood since there were so many news, or undefined if that is no longer known. */
  newsSince(count: number): ReadonlySet<string> | undefined {
    if (count < this.#newsFrom || count > this.newsCount) return undefined;
    return new Set(this.#news.slice(count - this.#newsFrom));
  }

  /** All who are here. */
  listAll(): SessionRecords {
    const all = new Map<string, SessionRecord>();
    for (const [id, { mood, lastSeen }] of this.#entries) if (mood !== null) all.set(id, { mood, lastSeen });
    return all;
  }

  #endsNow(id: string, now: number, heardAt: (id: string) => number | undefined): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    if (entry.mood === null) {
      if (entry.endsAt <= now) this.#entries.delete(id);
      else this.#wait(id, entry.endsAt);
      return false;
    }
    const endsAt = Math.max(entry.endsAt, (heardAt(id) ?? 0) + this.#ttlMs);
    if (endsAt <= now) {
      this.#entries.delete(id);
      this.#counts[entry.mood] -= 1;
      this.#record(id);
      return true;
    }
    const lastSeen = Math.max(entry.lastSeen, endsAt - this.#ttlMs);
    this.#entries.set(id, { mood: entry.mood, lastSeen, endsAt });
    this.#wait(id, endsAt);
    return false;
  }

  #set(id: string, entry: Entry): void {
    const known = this.#entries.get(id);
    this.#entries.set(id, entry);
    if (known === undefined) this.#wait(id, entry.endsAt);
    const before = known?.mood ?? null;
    if (before === entry.mood) return;
    if (before !== null) this.#counts[before] -= 1;
    else this.#newcomersEnd = Math.min(this.#newcomersEnd, entry.endsAt);
    if (entry.mood !== null) this.#counts[entry.mood] += 1;
    this.#record(id);
  }

  #wait(id: string, until: number): void {
    const step = Math.max(seenToEnd(until) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const waiting = this.#waiting.get(step);
    if (waiting === undefined) this.#waiting.set(step, [id]);
    else waiting.push(id);
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
