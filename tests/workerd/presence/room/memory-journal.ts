import type { Journal } from '../../../../src/presence/room/room';
import type { MoodCounts, SessionRecords } from '../../../../src/presence/session';
import type { World } from '../../../../src/presence/runtime';

/** All that a room saved, from the first row on. */
export class MemoryJournal implements Journal {
  readonly saved: { sessions: SessionRecords; savedAt: number; told: MoodCounts }[] = [];
  readonly #world: Pick<World, 'now'>;

  constructor(world: Pick<World, 'now'>) {
    this.#world = world;
  }

  read() {
    const last = this.saved.at(-1);
    const sessions = this.saved.map((row) => row.sessions);
    return { sessions, savedAt: last?.savedAt, told: last?.told };
  }

  append(sessions: SessionRecords, told: MoodCounts): void {
    this.saved.push({ sessions, savedAt: this.#world.now(), told: { ...told } });
  }
}
