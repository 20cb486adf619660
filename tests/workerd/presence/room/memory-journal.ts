import type { Broadcasts } from '../../../../src/presence/room/live-sockets';
import type { Journal } from '../../../../src/presence/room/room-saver';
import type { SessionRecords } from '../../../../src/presence/session';
import type { Runtime } from '../../../../src/runtime';

/** A journal in memory. It keeps every save, also those older than a TTL. */
export class MemoryJournal implements Journal {
  readonly saved: { sessions: SessionRecords; savedAt: number; lastBroadcasts: Broadcasts }[] = [];
  /** While it is true, each `append` throws. */
  fails = false;
  attempts = 0;
  readonly #runtime: Pick<Runtime, 'now'>;

  constructor(runtime: Pick<Runtime, 'now'>) {
    this.#runtime = runtime;
  }

  read() {
    const last = this.saved.at(-1);
    const sessions = this.saved.map((row) => row.sessions);
    return { sessions, savedAt: last?.savedAt, lastBroadcasts: last?.lastBroadcasts ?? new Map() };
  }

  append(sessions: SessionRecords, lastBroadcasts: Broadcasts): void {
    this.attempts += 1;
    if (this.fails) throw new Error('SQLITE_FULL');
    this.saved.push({
      sessions: structuredClone(sessions),
      savedAt: this.#runtime.now(),
      lastBroadcasts: structuredClone(lastBroadcasts),
    });
  }
}
