import { ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../limits';
import type { SessionRecord, SessionRecords } from '../session';
import type { ChannelBroadcasts } from './channel-broadcasts';
import type { HistoryRow } from './history-steps';
import type { Broadcasts } from './live-sockets';
import type { RoomSessions } from './room-sessions';
import { Throttle, type ThrottleOptions } from './throttle';

/**
 * Saves the changes of a room: at most every five seconds, and at once when 15,000 more sessions are unsaved. It reports a failed
 * save, and repeats it once after five seconds, and at the next change.
 */
export class RoomSaver {
  readonly #options: SaverOptions;
  readonly #throttle: Throttle;
  /** Keys of the sessions that changed since their last save. */
  readonly #unsaved = new Set<string>();
  #savedRevision: number;
  /** The last write of the history failed. */
  #lacksHistory = false;
  #hasRetried = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#savedRevision = options.broadcasts.revision;
    const task = () => this.#save();
    this.#throttle = new Throttle({ ...options, intervalMs: ROOM_SAVE_INTERVAL_MS, task });
  }

  /** Adds a changed session to the next save. Saves at once when a row is full. */
  add(key: string): void {
    const count = this.#unsaved.size;
    this.#unsaved.add(key);
    if (this.#unsaved.size > count && this.#unsaved.size % ROOM_UNSAVED_MAX === 0) this.#save();
  }

  /** Saves now or within five seconds, if anything is unsaved. */
  schedule(): void {
    if (!this.#isSaved) this.#throttle.schedule();
  }

  get #isSaved(): boolean {
    return this.#hasSavedSessions && !this.#lacksHistory;
  }

  get #hasSavedSessions(): boolean {
    return this.#unsaved.size === 0 && this.#savedRevision === this.#options.broadcasts.revision;
  }

  #save(): void {
    // `add` may have saved during the wait.
    if (this.#isSaved) return;
    const { history, historyStore, report } = this.#options;
    try {
      if (!this.#hasSavedSessions) this.#saveSessions();
      // The history follows the sessions, otherwise its failure blocks their save.
      this.#lacksHistory = true;
      historyStore.write(history());
      this.#lacksHistory = false;
      this.#hasRetried = false;
    } catch (error) {
      report('the room could not save; the next save tries again', error);
      // One retry, because no call may follow. More retries keep the object in memory while its storage is broken.
      if (this.#hasRetried) return;
      this.#hasRetried = true;
      this.#throttle.schedule();
    }
  }

  #saveSessions(): void {
    const { journal, sessions, broadcasts } = this.#options;
    const revision = broadcasts.revision;
    const changed = new Map<string, SessionRecord>();
    for (const key of this.#unsaved) {
      const record = sessions.get(key);
      if (record !== undefined) changed.set(key, record);
      else this.#unsaved.delete(key);
    }
    journal.append(changed, broadcasts.last(), sessions);
    this.#unsaved.clear();
    this.#savedRevision = revision;
  }
}

/** `lastRunAt` is the time of the last save. */
export interface SaverOptions extends Omit<ThrottleOptions, 'intervalMs' | 'task'> {
  readonly sessions: RoomSessions;
  readonly journal: Journal;
  readonly broadcasts: Pick<ChannelBroadcasts, 'revision' | 'last'>;
  /** The rows of the history by step. */
  readonly history: () => ReadonlyMap<number, HistoryRow>;
  readonly historyStore: HistoryStore;
}

/** Stores the history. A changed history alone starts no save, because a restarted room finds unsaved ends by its journal. */
export interface HistoryStore {
  /** The stored rows, in the order of their steps. */
  read(): readonly HistoryRow[];
  /** Stores these rows in place of the stored ones. */
  write(rows: ReadonlyMap<number, HistoryRow>): void;
}

/** Stores the sessions and broadcasts that a room needs after a restart. */
export interface Journal {
  read(): {
    /** At least the saves of the last TTL, row by row. It can be iterated only once. */
    readonly sessions: Iterable<SessionRecords>;
    /** The time of the last save (ms), and the last broadcasts before it. */
    readonly savedAt: number | undefined;
    readonly lastBroadcasts: Broadcasts;
  };
  /**
   * Saves the changed sessions, or replaces all earlier saves with `all` sessions. If it throws, the earlier saves remain. The records
   * are live views: it must not keep them.
   */
  append(changed: SessionRecords, lastBroadcasts: Broadcasts, all: Entries): void;
}

export type Entries = Iterable<readonly [string, SessionRecord]>;
