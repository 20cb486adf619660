import { ROOM_JOURNAL_BYTES_MAX, ROOM_JOURNAL_READ_BYTES_MAX, ROOM_ROW_SESSIONS_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import { parseJson } from '../parse-json';
import { MoodCounts, type SessionRecord, type SessionRecords } from '../session';
import { formatSessions, parseSessions } from '../stored-sessions';
import type { Entries, Journal } from './room-saver';

/**
 * A room's journal in the object's own SQLite: one row per save, or more if the sessions do not fit into one. A save deletes
 * the rows that are older than the TTL.
 *
 * The journal has a largest size. All sessions of the room replace a longer one. A restarted room reads row by row. It reads no
 * more than fits into its memory, even if an earlier version left more.
 *
 * The writes of one event become durable together, before any answer to that event leaves the object:
 * https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */
export class RoomJournal implements Journal {
  readonly #sql: SqlStorage;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #report: Report;
  /** The stored rows, as of the last `read` or `append`. */
  #rows: { readonly savedAt: number; readonly bytes: number }[] = [];

  constructor(sql: SqlStorage, ttlMs: number, now: () => number, report: Report) {
    this.#sql = sql;
    this.#ttlMs = ttlMs;
    this.#now = now;
    this.#report = report;
    sql.exec(TABLE);
  }

  read() {
    const [row] = this.#sql.exec('SELECT saved_at, told FROM journal ORDER BY rowid DESC LIMIT 1').toArray();
    const savedAt = row && Number(row['saved_at']);
    const lastBroadcast = row && MoodCounts.safeParse(parseJson(String(row['told']))).data;
    const unreadable = row !== undefined && lastBroadcast === undefined ? 1 : 0;
    return { sessions: this.#readRows(this.#measure(), unreadable), savedAt, lastBroadcast };
  }

  append(changed: SessionRecords, lastBroadcast: MoodCounts, all: Entries): void {
    const now = this.#now();
    const old = now - this.#ttlMs;
    this.#sql.exec('DELETE FROM journal WHERE saved_at <= ?', old);
    this.#rows = this.#rows.filter(({ savedAt }) => savedAt > old);
    if (this.#rows.reduce((sum, { bytes }) => sum + bytes, 0) <= ROOM_JOURNAL_BYTES_MAX) {
      this.#write(changed, lastBroadcast, now);
      return;
    }
    // Deletes old rows last. Otherwise a failed write leaves a journal without most sessions.
    const { last } = this.#sql.exec('SELECT MAX(rowid) AS last FROM journal').one();
    const replaced = this.#rows.length;
    this.#write(all, lastBroadcast, now);
    this.#sql.exec('DELETE FROM journal WHERE rowid <= ?', last);
    this.#rows.splice(0, replaced);
  }

  /** Measures the rows, the newest first. Returns the id of the oldest row to read. */
  #measure(): number {
    this.#rows = [];
    let [from, bytes] = [0, 0];
    const sizes = 'SELECT rowid, saved_at, octet_length(sessions) AS bytes FROM journal ORDER BY rowid DESC';
    for (const row of this.#sql.exec(sizes)) {
      const size = { savedAt: Number(row['saved_at']), bytes: Number(row['bytes']) };
      this.#rows.push(size);
      bytes += size.bytes;
      // The next save replaces the rows that are not read.
      if (bytes > ROOM_JOURNAL_READ_BYTES_MAX) break;
      from = Number(row['rowid']);
    }
    return from;
  }

  /** Reads one row at a time, otherwise the rows do not fit into the object's memory. */
  *#readRows(from: number, unreadableBefore: number): Generator<SessionRecords> {
    let unreadable = unreadableBefore;
    for (const row of this.#sql.exec('SELECT sessions FROM journal WHERE rowid >= ? ORDER BY rowid', from)) {
      const { sessions, dropped } = parseSessions(String(row['sessions']), this.#now());
      unreadable += dropped;
      yield sessions;
    }
    if (unreadable > 0)
      this.#report(`${unreadable} stored entries could not be read; the room leaves them out`);
  }

  /** Writes at least one row, which holds the counts of the last broadcast. */
  #write(sessions: Entries, lastBroadcast: MoodCounts, now: number): void {
    let part = new Map<string, SessionRecord>();
    for (const [id, record] of sessions) {
      if (part.size === ROOM_ROW_SESSIONS_MAX) {
        this.#insert(part, lastBroadcast, now);
        part = new Map();
      }
      part.set(id, record);
    }
    this.#insert(part, lastBroadcast, now);
  }

  #insert(sessions: SessionRecords, lastBroadcast: MoodCounts, now: number): void {
    const text = formatSessions(sessions);
    const insert = 'INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)';
    this.#sql.exec(insert, now, text, JSON.stringify(lastBroadcast));
    this.#rows.push({ savedAt: now, bytes: text.length });
  }
}

/** The columns have the names of version 1.0. `told` holds the counts of the last broadcast. */
const TABLE = 'CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)';
