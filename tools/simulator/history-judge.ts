import { HISTORY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../src/limits';
import type { Room } from '../../src/presence/room/room';
import { DEFAULT_CHANNEL } from './channels';
import { peopleIn } from './oracle';

/** The count after a call. A restart may lose it. */
interface Seen {
  readonly at: number;
  readonly count: number;
  mayBeLost: boolean;
}

/**
 * At the end of each step, compares the history of the room with the counts after its calls. It shares no code with the history.
 *
 * Between two calls sessions only expire. So the count of a step is the largest one after its calls, or the last one before it.
 * A restart may lose the calls of the last save interval, and with them the largest count of the step.
 */
export class HistoryJudge {
  readonly #onViolation: (what: string) => void;
  #room: object | undefined;
  /** The calls in the current step, and the last one before it. */
  #seen: Seen[] = [];
  #step = 0;

  constructor(onViolation: (what: string) => void) {
    this.#onViolation = onViolation;
  }

  /** At the first call in a step, judges the step before. */
  judge(room: Pick<Room, 'countsOf' | 'history'>, now: number): void {
    if (this.#room !== room) this.#restart(now);
    this.#room = room;
    const step = Math.floor(now / HISTORY_STEP_MS);
    if (step === this.#step + 1) this.#judgeStep(room);
    if (step > this.#step) this.#seen = this.#seen.slice(-1);
    this.#step = step;
    this.#seen.push({ at: now, count: peopleIn(room.countsOf(DEFAULT_CHANNEL)), mayBeLost: false });
  }

  #judgeStep(room: Pick<Room, 'history'>): void {
    const start = this.#step * HISTORY_STEP_MS;
    const count = room.history().counts.at(-2) ?? -1;
    const saved = this.#seen.filter(({ at, mayBeLost }) => at >= start && !mayBeLost);
    const least = Math.max(0, ...saved.map((seen) => seen.count));
    const most = Math.max(0, ...this.#seen.map((seen) => seen.count));
    if (count < least || count > most)
      this.#onViolation(`a step of the history has ${count} sessions, and the room had ${least} to ${most}`);
  }

  #restart(now: number): void {
    for (const seen of this.#seen) if (seen.at >= now - ROOM_SAVE_INTERVAL_MS) seen.mayBeLost = true;
  }
}
