import * as z from 'zod';
import { ROOM_ROW_SESSIONS_MAX } from '../limits';
import { parseJson } from './parse-json';
import type { Journal } from './room';
import { MoodCounts, type SessionRecords } from './session';
import { formatSessions, parseSessions } from './stored-sessions';

const Row = z.object({ saved_at: z.number(), sessions: z.string(), told: z.string() });

/**
 * A room's journal in the object's own SQLite: a row each time it saves; saving deletes those that are older than the TTL.
 *
 * What is written in one event becomes durable together, before any answer to that event leaves the object:
 * https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */
export class RoomJournal implements Journal {
  readonly #sql: SqlStorage;
  readonly #ttlMs: number;
  readonly #now: () => number;

  constructor(sql: SqlStorage, ttlMs: number, now: () => number) {
    this.#sql = sql;
    this.#ttlMs = ttlMs;
    this.#now = now;
    sql.exec('CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)');
  }

  read() {
    const rows = this.#sql.exec('SELECT saved_at, sessions, told FROM journal ORDER BY rowid').toArray();
    const saved = rows.flatMap((row) => Row.safeParse(row).data ?? []);
    const last = saved.at(-1);
    return {
      sessions: saved.map(({ sessions }) => parseSessions(sessions, this.#now()).sessions),
      savedAt: last?.saved_at,
      told: MoodCounts.safeParse(parseJson(last?.told ?? '')).data,
    };
  }

  append(sessions: SessionRecords, told: MoodCounts): void {
    const now = this.#now();
    this.#sql.exec('DELETE FROM journal WHERE saved_at <= ?', now - this.#ttlMs);
    const all = [...sessions];
    for (let from = 0; from < Math.max(all.length, 1); from += ROOM_ROW_SESSIONS_MAX) {
      const part = new Map(all.slice(from, from + ROOM_ROW_SESSIONS_MAX));
      const insert = 'INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)';
      this.#sql.exec(insert, now, formatSessions(part), JSON.stringify(told));
    }
  }
}
