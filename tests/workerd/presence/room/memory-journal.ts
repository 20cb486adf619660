import type { Journal } from '../../../../src/presence/room/room';
import type { MoodCounts, SessionRecords } from '../../../../src/presence/session';
import type { Runtime } from '../../../../src/runtime';

/** All that a room saved, from the first row on. */
export class MemoryJournal implements Journal {
  readonly saved: { sessions: SessionRecords; savedAt: number; told: MoodCounts }[] = [];
  readonly #runtime: Pick<Runtime, 'now'>;

  constructor(runtime: Pick<Runtime, 'now'>) {
    this.#runtime = runtime;
  }

  read() {
    const last = this.saved.at(-1);
    const sessions = this.saved.map((row) => row.sessions);
    return { sessions, savedAt: last?.savedAt, told: last?.told };
  }

  append(sessions: SessionRecords, told: MoodCounts): void {
    this.saved.push({ sessions, savedAt: this.#runtime.now(), told: { ...told } });
  }
}
