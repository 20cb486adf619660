import { Room } from '../../../../src/presence/room/room';
import type { RoomAnswer } from '../../../../src/presence/room/room-protocol';
import type { Mood } from '../../../../src/presence/session';
import { FakeRuntime } from '../../../support/fake-runtime';
import { MemoryJournal } from './memory-journal';
import { ScriptedAudience } from './scripted-audience';

export const TTL = 30_000;

/** A room with its journal and its audience, which can lose its memory. */
export class MemoryRoom {
  readonly runtime = new FakeRuntime();
  readonly journal = new MemoryJournal(this.runtime);
  readonly audience = new ScriptedAudience();
  readonly reports: string[] = [];
  #epochs = 0;
  #room = this.#open();

  get room(): Room {
    return this.#room;
  }

  /** The room begins again with what it has saved. */
  restart(): void {
    this.#room = this.#open();
  }

  /** A replica tells the room of a heartbeat that came now, or of a leave. */
  hear(id: string, mood: Mood | null = 'presence'): RoomAnswer {
    return this.#room.sync({
      known: undefined,
      heard: new Map([[id, { mood, lastSeen: this.runtime.now() }]]),
    });
  }

  #open(): Room {
    const { runtime, journal, audience } = this;
    this.#epochs += 1;
    const report = (trouble: string) => void this.reports.push(trouble);
    return new Room({ ttlMs: TTL, runtime, epoch: String(this.#epochs), journal, audience, report });
  }
}
