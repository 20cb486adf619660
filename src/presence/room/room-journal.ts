import * as z from 'zod';
import { ROOM_JOURNAL_BYTES_MAX, ROOM_JOURNAL_READ_BYTES_MAX, ROOM_ROW_BYTES_MAX } from '../../limits';
import { parseJson } from '../parse-json';
import { MoodCounts, type SessionRecord, type SessionRecords } from '../session';
import { formatSessions, parseSessions } from '../stored-sessions';
import type { Journal } from './room';

const Row = z.object({ sessions: z.string() });
const LastRow = z.object({ saved_at: z.number(), told: z.string() });
const RowSize = z.object({ rowid: z.number(), saved_at: z.number(), bytes: z.number() });

/** What a session takes in a row besides its id: its longest mood, its time, and what JSON puts around them. */
const RECORD_BYTES = 52;

/**
 * A room's journal in the object's own SQLite: a row each time it saves; saving deletes those that are older than the TTL.
 *
 * Its length has a cap. A journal that is longer is replaced by all that the room holds; and whatever an earlier version has
 * left, a room that wakes reads it row by row, and no more of it than it can.
 *
 * What is written in one event becomes durable together, before any answer to that event leaves the object:
 * https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */
export class RoomJournal implements Journal {
  readonly #sql: SqlStorage;
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** The rows that are stored, since `read` has looked. */
  #rows: { readonly savedAt: number; readonly bytes: number }[] = [];

  constructor(sql: SqlStorage, ttlMs: number, now: () => number) {
    this.#sql = sql;
    this.#ttlMs = ttlMs;
    this.#now = now;
    sql.exec('CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)');
  }

  read() {
    const [row] = this.#sql.exec('SELECT saved_at, told FROM journal ORDER BY rowid DESC LIMIT 1').toArray();
    const last = LastRow.safeParse(row).data;
    return {
      sessions: this.#readRows(this.#measure()),
      savedAt: last?.saved_at,
      told: MoodCounts.safeParse(parseJson(last?.told ?? '')).data,
    };
  }

  append(sessions: SessionRecords, told: MoodCounts, all: Iterable<readonly [string, SessionRecord]>): void {
    const now = this.#now();
    const old = now - this.#ttlMs;
    this.#sql.exec('DELETE FROM journal WHERE saved_at <= ?', old);
    this.#rows = this.#rows.filter(({ savedAt }) => savedAt > old);
    const isLong = this.#rows.reduce((sum, { bytes }) => sum + bytes, 0) > ROOM_JOURNAL_BYTES_MAX;
    if (isLong) {
      this.#sql.exec('DELETE FROM journal');
      this.#rows = [];
    }
    this.#write(isLong ? all : sessions, told, now);
  }

  /** Notes how long the rows are, the newest first, and returns the first one that is to be read. */
  #measure(): number {
    this.#rows = [];
    let [from, bytes] = [0, 0];
    const sizes = 'SELECT rowid, saved_at, octet_length(sessions) AS bytes FROM journal ORDER BY rowid DESC';
    for (const row of this.#sql.exec(sizes)) {
      const { data } = RowSize.safeParse(row);
      if (data === undefined) continue;
      this.#rows.push({ savedAt: data.saved_at, bytes: data.bytes });
      bytes += data.bytes;
      // The next save replaces what is not read.
      if (bytes > ROOM_JOURNAL_READ_BYTES_MAX) break;
      from = data.rowid;
    }
    return from;
  }

  /** One row after the other: all of them at once may be more than an object's memory. */
  *#readRows(from: number): Generator<SessionRecords> {
    const rows = 'SELECT sessions FROM journal WHERE rowid >= ? ORDER BY rowid';
    for (const row of this.#sql.exec(rows, from)) {
      const { data } = Row.safeParse(row);
      if (data !== undefined) yield parseSessions(data.sessions, this.#now()).sessions;
    }
  }

  /** Writes at least one row, which holds the counts of the last broadcast. */
  #write(sessions: Iterable<readonly [string, SessionRecord]>, told: MoodCounts, now: number): void {
    let part = new Map<string, SessionRecord>();
    let bytes = 0;
    for (const [id, record] of sessions) {
      bytes += id.length + RECORD_BYTES;
      if (bytes > ROOM_ROW_BYTES_MAX) {
        this.#insert(part, told, now);
        part = new Map();
        bytes = id.length + RECORD_BYTES;
      }
      part.set(id, record);
    }
    this.#insert(part, told, now);
  }

  #insert(sessions: SessionRecords, told: MoodCounts, now: number): void {
    const text = formatSessions(sessions);
    const insert = 'INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)';
    this.#sql.exec(insert, now, text, JSON.stringify(told));
    this.#rows.push({ savedAt: now, bytes: text.length });
  }
}
