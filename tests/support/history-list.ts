import { HISTORY_STEP_MS, HISTORY_STEPS } from '../../src/limits';
import type { History } from '../../src/presence/history';

interface Entry {
  at: number;
  readonly count: number;
}

/**
 * The expected history: a plain list of times (ms) and counts, and a list of visits. It deletes nothing. When the clock steps back,
 * entries of later steps get the time of the clock.
 */
export class HistoryList {
  #entries: Entry[] = [{ at: Number.NEGATIVE_INFINITY, count: 0 }];
  #visits: { at: number }[] = [];

  get count(): number {
    return this.#entries.at(-1)?.count ?? 0;
  }

  setCount(count: number, at: number): void {
    this.#stepBackTo(at);
    if (count !== this.count) this.#entries.push({ at, count });
  }

  addVisits(visits: number, at: number): void {
    this.#stepBackTo(at);
    for (let n = 0; n < visits; n += 1) this.#visits.push({ at });
  }

  answer(now: number): Omit<History, 'timestamp' | 'stepMs'> {
    const start = startOf(now);
    const counts = Array.from({ length: HISTORY_STEPS }, (_, n) => this.#mostIn(start + n * HISTORY_STEP_MS));
    const count = Math.max(...counts);
    return {
      counts,
      peak: { count, at: start + counts.lastIndexOf(count) * HISTORY_STEP_MS },
      visits: this.#visits.filter(({ at }) => at >= start).length,
    };
  }

  #mostIn(start: number): number {
    const end = start + HISTORY_STEP_MS;
    const before = this.#entries.findLast(({ at }) => at < start)?.count ?? 0;
    return Math.max(
      before,
      ...this.#entries.filter(({ at }) => at >= start && at < end).map(({ count }) => count),
    );
  }

  #stepBackTo(now: number): void {
    const stepEnd = (Math.floor(now / HISTORY_STEP_MS) + 1) * HISTORY_STEP_MS;
    for (const one of [...this.#entries, ...this.#visits]) if (one.at >= stepEnd) one.at = now;
  }
}

/** The start of the first step. */
const startOf = (now: number) => (Math.floor(now / HISTORY_STEP_MS) + 1 - HISTORY_STEPS) * HISTORY_STEP_MS;
