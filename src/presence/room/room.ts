import { LIVE_TELL_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';
import {
  MOODS,
  type Mood,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
} from '../session';
import type { RoomAnswer, RoomReport } from './room-protocol';
import { RoomSessions } from './room-sessions';

/** Where a room keeps what it must find again when it has lost its memory. */
export interface Journal {
  read(): {
    /** What was saved within the last TTL at least, row by row. It can be read once. */
    readonly sessions: Iterable<SessionRecords>;
    /** When something was saved last (ms), and what the audience had been told by then. */
    readonly savedAt: number | undefined;
    readonly told: MoodCounts | undefined;
  };
  /** Saves the sessions that have changed; or `all` that the room holds, in place of everything that was saved before. */
  append(sessions: SessionRecords, told: MoodCounts, all: Iterable<readonly [string, SessionRecord]>): void;
}

/** Those who follow the count live. */
export interface Audience {
  readonly size: number;
  /** Sends the counts to everybody to whom the last that was sent were others. */
  tell(counts: MoodCounts): void;
  /** When somebody was last heard in a way that does not wake the room (ms). */
  heardAt(id: string): number | undefined;
  /** What was heard of somebody there is known with this time (ms) now. */
  noted(id: string, notedAt: number): void;
  /** The session has ended, since nothing was heard of it for a TTL. */
  ended(id: string): void;
  /** The session is new to the room, which is full. */
  refused(id: string): void;
}

interface RoomOptions {
  readonly ttlMs: number;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  /** A name that no other memory of this room has had. */
  readonly epoch: string;
  readonly journal: Journal;
  readonly audience: Audience;
  /** Gets what went wrong, for the log. */
  readonly report?: Report;
}

/**
 * Where all replicas and all live sockets meet: it knows everybody, tells replicas what is new when they ask, and its
 * audience the count when it changes, at most once a second.
 *
 * Every session that lives was heard within the last TTL, so what has changed within the last TTL is all there is to know.
 * That is what is saved: at most every five seconds what has changed since, never everybody. A room that crashes loses up
 * to five seconds; its replicas find it in another epoch and tell it what they hold.
 */
export class Room {
  readonly #ttlMs: number;
  readonly #runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly #epoch: string;
  readonly #journal: Journal;
  readonly #audience: Audience;
  readonly #sessions: RoomSessions;
  readonly #report: Report;
  /** At most `ROOM_UNSAVED_MAX` ids of sessions that have changed since they were saved. */
  readonly #unsaved = new Set<string>();
  #told: MoodCounts;
  #toldSaved = true;
  #savedAt: number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #willSave = false;
  #willTell = false;

  constructor({ ttlMs, runtime, epoch, journal, audience, report = () => undefined }: RoomOptions) {
    this.#ttlMs = ttlMs;
    this.#runtime = runtime;
    this.#epoch = epoch;
    this.#journal = journal;
    this.#audience = audience;
    this.#report = report;
    const now = runtime.now();
    this.#sessions = new RoomSessions(ttlMs, now);
    const { sessions, savedAt, told } = journal.read();
    /** The last of what was saved of sessions that are over by that, and have an open socket. */
    const pinging = new Map<string, SessionRecord>();
    for (const row of sessions) {
      for (const [id, record] of row) {
        if (this.#sessions.learn(id, record, now) !== 'over' || audience.heardAt(id) === undefined) continue;
        const other = pinging.get(id);
        if (other === undefined || overrules(record, other)) pinging.set(id, record);
      }
    }
    for (const [id, { mood, lastSeen }] of pinging) {
      const heardAt = mood === null ? lastSeen : Math.max(lastSeen, audience.heardAt(id) ?? 0);
      this.#sessions.learn(id, { mood, lastSeen: heardAt }, now);
    }
    this.#savedAt = savedAt ?? Number.NEGATIVE_INFINITY;
    // Who has ended since is news to the audience.
    this.#told = told ?? { ...this.#sessions.counts };
  }

  /** Live view: read it, don't keep it. As of the last request or alarm. */
  get counts(): MoodCounts {
    return this.#sessions.counts;
  }

  /** When the next session ends unless it is heard again (ms). Costs a walk over all. */
  findNextEnd(): number | undefined {
    return this.#sessions.findNextEnd();
  }

  /** The same of those who came since `findNextEnd` was asked for, without a walk. */
  get newcomersEnd(): number | undefined {
    return this.#sessions.newcomersEnd;
  }

  get(id: string): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  /** A replica tells whom it has heard, and learns what is new to it. */
  sync({ known, heard }: RoomReport): RoomAnswer {
    const now = this.#runtime.now();
    this.#expire();
    const news = known?.epoch === this.#epoch ? this.#sessions.newsSince(known.number) : undefined;
    const unheard = new Set(news);
    let isFull = false;
    for (const [id, record] of heard) {
      const before = this.#sessions.get(id);
      const what = this.#sessions.learn(id, record, now);
      const stays = what === 'new' && record.mood === null && this.#keep(id, before, now);
      if (what === 'new') this.#changed(id);
      if (what === 'full') isFull = true;
      if (what === 'later' || stays) unheard.add(id);
    }
    if (isFull) this.#reportFull();
    this.#planSaveAndTell();
    const answer = {
      version: { epoch: this.#epoch, number: this.#sessions.newsCount },
      ...(isFull || this.#sessions.isFull ? { isFull: true as const } : {}),
    };
    if (news === undefined) return { ...answer, isAll: true, sessions: this.#sessions.listAll() };
    const record = (id: string) => this.#sessions.get(id) ?? { mood: null, lastSeen: 0 };
    return { ...answer, isAll: false, sessions: new Map([...unheard].map((id) => [id, record(id)])) };
  }

  /**
   * A live socket has joined, or changed its mood, or left (`null`). Returns the time that was noted (ms); or undefined if the
   * session is new and the room is full, and then nothing has changed.
   */
  touch(id: string, mood: Mood | null): number | undefined {
    const lastSeen = this.#sessions.touch(id, mood, this.#runtime.now());
    if (lastSeen === undefined) this.#reportFull();
    else this.#changed(id);
    this.#planSaveAndTell();
    return lastSeen;
  }

  /**
   * Takes in when each session with an open socket was heard last (ms), and closes the sockets of those that have expired or
   * are refused. Their mood is the one known here, if there is one.
   */
  heard(guests: SessionRecords): void {
    const now = this.#runtime.now();
    for (const [id, { mood, lastSeen }] of guests) {
      const record = { mood: this.#sessions.get(id)?.mood ?? mood, lastSeen };
      const what = this.#sessions.learn(id, record, now);
      if (what === 'new') this.#changed(id);
      if (what === 'over') this.#audience.ended(id);
      if (what !== 'full') continue;
      this.#reportFull();
      this.#audience.refused(id);
    }
    this.#planSaveAndTell();
  }

  /** Ends the sessions whose time is over. */
  expire(): void {
    this.#expire();
    this.#planSaveAndTell();
  }

  #expire(): void {
    const ended = this.#sessions.expire(this.#runtime.now(), (id) => this.#audience.heardAt(id));
    for (const id of ended) this.#audience.ended(id);
  }

  /**
   * A session with an open live socket stays present. A leave from another tab only refreshes it. Returns whether it stays.
   */
  #keep(id: string, before: SessionRecord | undefined, now: number): boolean {
    const heardAt = this.#audience.heardAt(id) ?? Number.NEGATIVE_INFINITY;
    if (!before?.mood || heardAt + this.#ttlMs <= now) return false;
    const notedAt = this.#sessions.touch(id, before.mood, now);
    // The leave has made room for it.
    if (notedAt !== undefined) this.#audience.noted(id, notedAt);
    return true;
  }

  /** The session is to be saved: with all that change within five seconds, or at once if those fill a row. */
  #changed(id: string): void {
    this.#unsaved.add(id);
    if (this.#unsaved.size >= ROOM_UNSAVED_MAX) this.#write();
  }

  #reportFull(): void {
    this.#report('the room is full: new sessions are refused, and count at their own isolate only');
  }

  /** Plans what is to be saved and told. A timer of a few seconds costs less than an alarm, and hardly delays hibernation. */
  #planSaveAndTell(): void {
    const now = this.#runtime.now();
    if (!this.#willTell && differ(this.#told, this.counts)) this.#planTelling(now);
    if (this.#willSave || (this.#unsaved.size === 0 && this.#toldSaved)) return;
    // A clock that has stepped back must not make it wait for longer.
    const waitMs = Math.min(this.#savedAt + ROOM_SAVE_INTERVAL_MS - now, ROOM_SAVE_INTERVAL_MS);
    if (waitMs <= 0) {
      this.#save();
    } else {
      this.#willSave = true;
      void this.#runtime.sleep(waitMs).then(() => this.#save());
    }
  }

  #planTelling(now: number): void {
    if (this.#audience.size === 0) {
      this.#told = { ...this.counts };
      this.#toldSaved = false;
    } else {
      this.#willTell = true;
      const waitMs = Math.min(Math.max(this.#toldAt + LIVE_TELL_INTERVAL_MS - now, 0), LIVE_TELL_INTERVAL_MS);
      void this.#runtime.sleep(waitMs).then(() => this.#tell());
    }
  }

  #tell(): void {
    this.#willTell = false;
    // Also when the counts are again what they were: who has come to watch meanwhile was shown others.
    this.#told = { ...this.counts };
    this.#toldSaved = false;
    this.#toldAt = this.#runtime.now();
    this.#audience.tell(this.#told);
    this.#planSaveAndTell();
  }

  #save(): void {
    this.#willSave = false;
    this.#savedAt = this.#runtime.now();
    if (this.#unsaved.size > 0 || !this.#toldSaved) this.#write();
  }

  #write(): void {
    const sessions = new Map<string, SessionRecord>();
    for (const id of this.#unsaved) {
      const record = this.#sessions.get(id);
      if (record !== undefined) sessions.set(id, record);
    }
    this.#journal.append(sessions, this.#told, this.#sessions);
    this.#unsaved.clear();
    this.#toldSaved = true;
  }
}

const differ = (a: MoodCounts, b: MoodCounts) => MOODS.some((mood) => a[mood] !== b[mood]);
