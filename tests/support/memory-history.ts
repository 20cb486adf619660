import type { HistoryRow } from '../../src/presence/room/history-steps';
import type { HistoryStore } from '../../src/presence/room/room-saver';

/** Keeps the rows of the last `write` in memory. Counts the rows that a table would write and delete. */
export class MemoryHistory implements HistoryStore {
  written = 0;
  /** Whether each `write` throws. */
  fails = false;
  #rows: ReadonlyMap<number, HistoryRow> = new Map();

  read(): readonly HistoryRow[] {
    return [...this.#rows.values()];
  }

  write(rows: ReadonlyMap<number, HistoryRow>): void {
    if (this.fails) throw new Error('SQLITE_FULL');
    for (const [step, row] of rows) if (this.#rows.get(step) !== row) this.written += 1;
    for (const step of this.#rows.keys()) if (!rows.has(step)) this.written += 1;
    this.#rows = new Map(rows);
  }
}
