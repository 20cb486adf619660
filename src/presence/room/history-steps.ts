import * as z from 'zod/mini';
import { HISTORY_STEP_MS, HISTORY_STEPS } from '../../limits';
import { type History, historyOf } from '../history';
import { WholeNumber } from '../session';

/** A step in which the count changed or a session started. `step` is its number since 1970. */
export const HistoryRow = z.object({
  step: WholeNumber,
  /** The most sessions at once in the step. */
  most: WholeNumber,
  /** Number of sessions at the end of the step, or now in the current step. */
  last: WholeNumber,
  /** Number of sessions that started in the step. */
  visits: WholeNumber,
});
export type HistoryRow = Readonly<z.infer<typeof HistoryRow>>;

/**
 * The history of the default channel. Pure rules: no clock, no I/O. Times are in ms since 1970.
 *
 * A step without a row repeats the `last` of the row before it, so a constant count needs no rows. There are at most 289 rows: one
 * for each step of a day, and the latest one before that day. After a clock has stepped back, later steps are part of the current
 * one. Each call costs O(1), amortised, except `answer`.
 */
export class HistorySteps {
  /** In the order of the steps. */
  readonly #rows = new Map<number, HistoryRow>();
  #count: number;
  #lastStep: number;

  /** @param saved The rows of an earlier start, in the order of their steps. */
  constructor(saved: readonly HistoryRow[]) {
    for (const row of saved) this.#rows.set(row.step, row);
    const last = saved.at(-1);
    this.#count = last?.last ?? 0;
    this.#lastStep = last?.step ?? Number.NEGATIVE_INFINITY;
  }

  /** The rows by step. A changed row is another object. A live view: do not keep it. */
  get rows(): ReadonlyMap<number, HistoryRow> {
    return this.#rows;
  }

  /** The number of sessions since the last `setCount`. */
  get count(): number {
    return this.#count;
  }

  setCount(count: number, at: number): void {
    const row = this.#openRow(at);
    this.#count = count;
    if (count !== row.last) this.#set({ ...row, most: Math.max(row.most, count), last: count });
  }

  addVisits(visits: number, at: number): void {
    if (visits === 0) return;
    const row = this.#openRow(at);
    this.#set({ ...row, visits: row.visits + visits });
  }

  /** Returns the last 24 hours. @param now Not before the last `setCount` (ms). */
  answer(now: number): History {
    const end = stepOf(now) + 1;
    const start = end - HISTORY_STEPS;
    const counts: number[] = [];
    let [last, visits] = [0, 0];
    for (const row of this.#rows.values()) if (row.step < start) last = row.last;
    for (let step = start; step < end; step += 1) {
      const row = this.#rows.get(step);
      counts.push(row?.most ?? last);
      visits += row?.visits ?? 0;
      last = row?.last ?? last;
    }
    return historyOf(now, counts, visits);
  }

  /** Returns the row of a step. A new row is not yet in `#rows`. */
  #openRow(at: number): HistoryRow {
    const step = stepOf(at);
    if (step < this.#lastStep) this.#foldLaterRows(step);
    return this.#rows.get(step) ?? { step, most: this.#count, last: this.#count, visits: 0 };
  }

  #set(row: HistoryRow): void {
    if (row.step > this.#lastStep) this.#dropBefore(row.step + 1 - HISTORY_STEPS);
    this.#rows.set(row.step, row);
    this.#lastStep = row.step;
  }

  /** Moves the rows of later steps into the row of this step. Otherwise, after a clock has stepped back, they lie in the future. */
  #foldLaterRows(step: number): void {
    let row: HistoryRow = { step, most: 0, last: 0, visits: 0 };
    for (const { step: at, most, last, visits } of this.#rows.values()) {
      if (at < step) continue;
      // The first of these rows has the count from before the step in its `most`.
      row = { step, most: Math.max(row.most, most), last, visits: row.visits + visits };
      if (at > step) this.#rows.delete(at);
    }
    this.#rows.set(step, row);
    this.#lastStep = step;
  }

  /** Drops the rows before a step, except the latest one: steps without a row repeat its `last`. */
  #dropBefore(start: number): void {
    let before: number | undefined;
    for (const step of this.#rows.keys()) {
      if (step >= start) break;
      if (before !== undefined) this.#rows.delete(before);
      before = step;
    }
  }
}

const stepOf = (at: number) => Math.floor(at / HISTORY_STEP_MS);
