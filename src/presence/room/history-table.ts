import type { Report } from '../../rate-limited-log';
import { HistoryRow } from './history-steps';
import type { HistoryStore } from './room-saver';

/** The history in the SQLite of the object: one row for each step with a change. A save writes only changed rows. */
export class HistoryTable implements HistoryStore {
  readonly #sql: SqlStorage;
  readonly #report: Report;
  /** The stored rows by step. Undefined for an unreadable row. */
  readonly #stored = new Map<number, HistoryRow | undefined>();

  constructor(sql: SqlStorage, report: Report) {
    this.#sql = sql;
    this.#report = report;
    sql.exec(TABLE);
  }

  read(): readonly HistoryRow[] {
    for (const stored of this.#sql.exec('SELECT step, most, last, visits FROM history ORDER BY step'))
      this.#stored.set(Number(stored['step']), HistoryRow.safeParse(stored).data);
    const rows = [...this.#stored.values()].filter((row) => row !== undefined);
    const unreadable = this.#stored.size - rows.length;
    if (unreadable > 0) this.#report(`${unreadable} stored steps of the history could not be read`);
    return rows;
  }

  write(rows: ReadonlyMap<number, HistoryRow>): void {
    for (const step of this.#stored.keys()) {
      if (rows.has(step)) continue;
      this.#sql.exec('DELETE FROM history WHERE step = ?', step);
      this.#stored.delete(step);
    }
    for (const row of rows.values()) {
      const { step, most, last, visits } = row;
      // By identity, because `HistorySteps` replaces a row that changes.
      if (this.#stored.get(step) === row) continue;
      this.#sql.exec(INSERT, step, most, last, visits);
      this.#stored.set(step, row);
    }
  }
}

const TABLE = `CREATE TABLE IF NOT EXISTS history (
  step INTEGER PRIMARY KEY, most INTEGER NOT NULL, last INTEGER NOT NULL, visits INTEGER NOT NULL
)`;
const INSERT = `INSERT INTO history (step, most, last, visits) VALUES (?, ?, ?, ?)
  ON CONFLICT (step) DO UPDATE SET most = excluded.most, last = excluded.last, visits = excluded.visits`;
