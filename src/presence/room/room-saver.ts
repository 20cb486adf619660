import { ROOM_ROW_SESSIONS_MAX, ROOM_SAVE_INTERVAL_MS } from '../../limits';
import type { MoodCounts, SessionRecord, SessionRecords } from '../session';
import type { RoomSessions } from './room-sessions';
import { Throttle, type ThrottleOptions } from './throttle';

/**
 * Saves the changes of a room: at most every five seconds, and at once when 15,000 more sessions are unsaved. It reports a save
 * that fails, and does it again: once after five seconds, and at the next change.
 */
export class RoomSaver {
  readonly #options: SaverOptions;
  readonly #throttle: Throttle;
  /** Ids of the sessions that changed since their last save. */
  readonly #unsaved = new Set<string>();
  #savedBroadcast: MoodCounts;
  #hasRetried = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#savedBroadcast = options.lastBroadcast();
    const task = () => this.#save();
    this.#throttle = new Throttle({ ...options, intervalMs: ROOM_SAVE_INTERVAL_MS, task });
  }

  /** Adds a changed session to the next save. As many as fill a row are saved at once. */
  add(id: string): void {
    const count = this.#unsaved.size;
    this.#unsaved.add(id);
    if (this.#unsaved.size > count && this.#unsaved.size % ROOM_ROW_SESSIONS_MAX === 0) this.#save();
  }

  /** Saves now or within five seconds, if anything is unsaved. */
  schedule(): void {
    if (!this.#isSaved) this.#throttle.schedule();
  }

  get #isSaved(): boolean {
    return this.#unsaved.size === 0 && this.#savedBroadcast === this.#options.lastBroadcast();
  }

  #save(): void {
    // A full row may have been saved during the wait.
    if (this.#isSaved) return;
    const { journal, sessions, report } = this.#options;
    const lastBroadcast = this.#options.lastBroadcast();
    const changed = new Map<string, SessionRecord>();
    for (const id of this.#unsaved) {
      const record = sessions.get(id);
      if (record !== undefined) changed.set(id, record);
      else this.#unsaved.delete(id);
    }
    try {
      journal.append(changed, lastBroadcast, sessions);
      this.#unsaved.clear();
      this.#savedBroadcast = lastBroadcast;
      this.#hasRetried = false;
    } catch (error) {
      report('the room could not save; the next save tries again', error);
      // Once, since no call may follow. More retries would keep the object in memory while its storage is broken.
      if (this.#hasRetried) return;
      this.#hasRetried = true;
      this.#throttle.schedule();
    }
  }
}

/** `lastRunAt` is the time of the last save. */
export interface SaverOptions extends Omit<ThrottleOptions, 'intervalMs' | 'task'> {
  readonly sessions: RoomSessions;
  readonly journal: Journal;
  /** Returns the counts of the last broadcast: a new object for each broadcast. */
  readonly lastBroadcast: () => MoodCounts;
}

/** Stores what a room needs after it lost its memory. */
export interface Journal {
  read(): {
    /** At least the saves of the last TTL, row by row. It can be iterated once. */
    readonly sessions: Iterable<SessionRecords>;
    /** The time of the last save (ms), and the counts of the last broadcast before it. */
    readonly savedAt: number | undefined;
    readonly lastBroadcast: MoodCounts | undefined;
  };
  /** Saves the changed sessions, or `all` sessions in place of all earlier saves. If it throws, the earlier saves remain. */
  append(changed: SessionRecords, lastBroadcast: MoodCounts, all: Entries): void;
}

export type Entries = Iterable<readonly [string, SessionRecord]>;
