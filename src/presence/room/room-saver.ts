import { ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';
import type { MoodCounts, SessionRecord, SessionRecords } from '../session';
import type { RoomSessions } from './room-sessions';
import { Throttle } from './throttle';

type Entries = Iterable<readonly [string, SessionRecord]>;

/** Stores what a room needs after it lost its memory. */
export interface Journal {
  read(): {
    /** At least the saves of the last TTL, row by row. It can be iterated once. */
    readonly sessions: Iterable<SessionRecords>;
    /** The time of the last save (ms), and the counts of the last broadcast before it. */
    readonly savedAt: number | undefined;
    readonly lastBroadcast: MoodCounts | undefined;
  };
  /** Saves the changed sessions; or `all` sessions in place of all earlier saves. It may throw, and then keeps those. */
  append(changed: SessionRecords, lastBroadcast: MoodCounts, all: Entries): void;
}

interface SaverOptions {
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly journal: Journal;
  readonly report: Report;
}

/** Saves the changes of a room, at most once in five seconds. A save that fails is reported, and loses nothing. */
export class RoomSaver {
  readonly #options: SaverOptions;
  readonly #sessions: RoomSessions;
  readonly #throttle: Throttle;
  /** Ids of the sessions that changed since their last save. */
  readonly #unsaved = new Set<string>();
  #lastBroadcast: MoodCounts;
  #isBroadcastSaved = true;

  constructor(options: SaverOptions, sessions: RoomSessions, lastBroadcast: MoodCounts, savedAt?: number) {
    this.#options = options;
    this.#sessions = sessions;
    this.#lastBroadcast = lastBroadcast;
    const task = () => this.#save();
    const { runtime } = options;
    this.#throttle = new Throttle({ intervalMs: ROOM_SAVE_INTERVAL_MS, runtime, task, lastRunAt: savedAt });
  }

  /** Adds a changed session to the next save. As many as fill a row are saved at once. */
  add(id: string): void {
    const count = this.#unsaved.size;
    this.#unsaved.add(id);
    if (this.#unsaved.size > count && this.#unsaved.size % ROOM_UNSAVED_MAX === 0) this.#save();
  }

  /** Adds the counts of a broadcast to the next save. */
  setLastBroadcast(counts: MoodCounts): void {
    this.#lastBroadcast = counts;
    this.#isBroadcastSaved = false;
  }

  /** Saves now or within five seconds, if anything is unsaved. */
  schedule(): void {
    if (this.#unsaved.size > 0 || !this.#isBroadcastSaved) this.#throttle.schedule();
  }

  #save(): void {
    // A full row may have been saved during the wait.
    if (this.#unsaved.size === 0 && this.#isBroadcastSaved) return;
    const changed = new Map<string, SessionRecord>();
    for (const id of this.#unsaved) {
      const record = this.#sessions.get(id);
      if (record !== undefined) changed.set(id, record);
      else this.#unsaved.delete(id);
    }
    try {
      this.#options.journal.append(changed, this.#lastBroadcast, this.#sessions);
      this.#unsaved.clear();
      this.#isBroadcastSaved = true;
    } catch (error) {
      this.#options.report('the room could not save; the next save tries again', error);
    }
  }
}
