import { ROOM_JOURNAL_BYTES_MAX, ROOM_JOURNAL_READ_BYTES_MAX, ROOM_ROW_BYTES_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import { parseJson } from '../parse-json';
import { MoodCounts, type SessionRecord, type SessionRecords } from '../session';
import { formatSessions, parseSessions } from '../stored-sessions';
import type { Journal } from './room-saver';

/** The columns have the names of version 1.0. `told` holds the counts of the last broadcast. */
const TABLE = 'CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)';

/** What a session takes in a row besides its id: its longest mood, its time, and the JSON around them. */
const RECORD_BYTES = 52;

/**
 * A room's journal in the object's own SQLite: one row per save. A save deletes the rows that are older than the TTL.
 *
 * The journal has a largest size. A longer one is replaced by all sessions of the room. A waking room reads row by row, and
 * no more than fits into its memory, whatever an earlier version left.
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

  append(
    changed: SessionRecords,
    lastBroadcast: MoodCounts,
    all: Iterable<readonly [string, SessionRecord]>,
  ): void {
    const now = this.#now();
    const old = now - this.#ttlMs;
    this.#sql.exec('DELETE FROM journal WHERE saved_at <= ?', old);
    this.#rows = this.#rows.filter(({ savedAt }) => savedAt > old);
    if (this.#rows.reduce((sum, { bytes }) => sum + bytes, 0) <= ROOM_JOURNAL_BYTES_MAX) {
      this.#write(changed, lastBroadcast, now);
      return;
    }
    // The old rows go last. Otherwise a failed write would leave a journal without most sessions.
    const { last } = this.#sql.exec('SELECT MAX(rowid) AS last FROM journal').one();
    const replaced = this.#rows.length;
    this.#write(all, lastBroadcast, now);
    this.#sql.exec('DELETE FROM journal WHERE rowid <= ?', last);
    this.#rows.splice(0, replaced);
  }

  /** Stores how long the rows are, the newest first, and returns the id of the first one to read. */
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

  /** Reads one row after the other: all of them at once may be more than an object's memory. */
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
  #write(sessions: Iterable<readonly [string, SessionRecord]>, lastBroadcast: MoodCounts, now: number): void {
    let part = new Map<string, SessionRecord>();
    let bytes = 0;
    for (const [id, record] of sessions) {
      bytes += id.length + RECORD_BYTES;
      if (bytes > ROOM_ROW_BYTES_MAX) {
        this.#insert(part, lastBroadcast, now);
        part = new Map();
        bytes = id.length + RECORD_BYTES;
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
