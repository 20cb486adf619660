import { ROOM_JOURNAL_BYTES_MAX, ROOM_JOURNAL_READ_BYTES_MAX, ROOM_ROW_CHARS_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import { parseJson, parseJsonObject } from '../parse-json';
import { MoodCounts, type SessionRecords, totalOf, WholeNumber, ZERO_COUNTS } from '../session';
import { ChannelName, DEFAULT_CHANNEL, parseSessionKey } from '../session-key';
import { formatInTexts } from '../sessions-text';
import { parseSessions } from '../stored-sessions';
import type { Broadcasts } from './live-sockets';
import type { Entries, Journal } from './room-saver';

/**
 * A room's journal in the SQLite of the object: one row per save, or more if the sessions do not fit into one. A save deletes the rows
 * that are older than the TTL.
 *
 * All sessions of the room replace a journal above the largest size. A restarted room reads row by row. It reads no more than
 * fits into its memory, even if an earlier version left more.
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
  /** The stored last broadcasts of the named channels. */
  #savedChannels = NO_CHANNELS;

  constructor(sql: SqlStorage, ttlMs: number, now: () => number, report: Report) {
    this.#sql = sql;
    this.#ttlMs = ttlMs;
    this.#now = now;
    this.#report = report;
    sql.exec(TABLE);
    sql.exec(CHANNELS_TABLE);
  }

  read() {
    const [row] = this.#sql.exec('SELECT saved_at, told FROM journal ORDER BY rowid DESC LIMIT 1').toArray();
    const savedAt = WholeNumber.safeParse(row?.['saved_at']).data;
    const counts = row && MoodCounts.safeParse(parseJson(String(row['told']))).data;
    const channels = this.#readChannels();
    const unreadable = Number(row !== undefined && counts === undefined) + Number(channels === undefined);
    const lastBroadcasts = new Map([[DEFAULT_CHANNEL, counts ?? ZERO_COUNTS], ...(channels ?? [])]);
    return { sessions: this.#readRows(this.#measure(), unreadable), savedAt, lastBroadcasts };
  }

  append(changed: SessionRecords, lastBroadcasts: Broadcasts, all: Entries): void {
    const now = this.#now();
    const ofDefault = JSON.stringify(lastBroadcasts.get(DEFAULT_CHANNEL) ?? ZERO_COUNTS);
    this.#writeChannels(lastBroadcasts);
    const old = now - this.#ttlMs;
    this.#sql.exec('DELETE FROM journal WHERE saved_at <= ?', old);
    this.#rows = this.#rows.filter(({ savedAt }) => savedAt > old);
    if (this.#rows.reduce((sum, { bytes }) => sum + bytes, 0) <= ROOM_JOURNAL_BYTES_MAX) {
      this.#write(changed, ofDefault, now);
      return;
    }
    // Deletes old rows last. Otherwise a failed write leaves a journal without most sessions.
    const { last } = this.#sql.exec('SELECT MAX(rowid) AS last FROM journal').one();
    const replaced = this.#rows.length;
    this.#write(all, ofDefault, now);
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
      const { sessions, dropped } = parseSessions(
        String(row['sessions']),
        this.#now(),
        Number.POSITIVE_INFINITY,
        parseSessionKey,
      );
      unreadable += dropped;
      yield sessions;
    }
    if (unreadable > 0)
      this.#report(`${unreadable} stored entries could not be read; the room leaves them out`);
  }

  /** Writes at least one row, which holds the last broadcast of the default channel. */
  #write(sessions: Entries, ofDefault: string, now: number): void {
    const insert = 'INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)';
    for (const text of formatInTexts(sessions, ROOM_ROW_CHARS_MAX)) {
      this.#sql.exec(insert, now, text, ofDefault);
      this.#rows.push({ savedAt: now, bytes: text.length });
    }
  }

  /** Returns undefined if the row is unreadable. */
  #readChannels(): Broadcasts | undefined {
    const [row] = this.#sql.exec('SELECT counts FROM channels').toArray();
    this.#savedChannels = row === undefined ? NO_CHANNELS : String(row['counts']);
    const stored = parseJsonObject(this.#savedChannels);
    if (stored === undefined) return undefined;
    const broadcasts = new Map<string, MoodCounts>();
    for (const [channel, counts] of Object.entries(stored)) {
      const parsed = MoodCounts.safeParse(counts).data;
      if (parsed === undefined || !ChannelName.safeParse(channel).success) return undefined;
      broadcasts.set(channel, parsed);
    }
    return broadcasts;
  }

  /** Writes the row of the named channels, if their last broadcasts have changed. */
  #writeChannels(broadcasts: Broadcasts): void {
    const named = [...broadcasts].filter(
      ([channel, counts]) => channel !== DEFAULT_CHANNEL && totalOf(counts) > 0,
    );
    const text = JSON.stringify(Object.fromEntries(named));
    if (text === this.#savedChannels) return;
    this.#sql.exec('INSERT OR REPLACE INTO channels (id, counts) VALUES (1, ?)', text);
    this.#savedChannels = text;
  }
}

const NO_CHANNELS = '{}';
/** One row of JSON, `{ channel: { mood: count } }`: the last broadcasts of the named channels. A row of 2 MB has space for 10,000. */
const CHANNELS_TABLE = 'CREATE TABLE IF NOT EXISTS channels (id INTEGER PRIMARY KEY, counts TEXT)';

/** The columns have the names of version 1.0. `told` holds the last broadcast of the default channel. */
const TABLE = 'CREATE TABLE IF NOT EXISTS journal (saved_at INTEGER, sessions TEXT, told TEXT)';
