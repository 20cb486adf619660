import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import {
  ROOM_JOURNAL_BYTES_MAX,
  ROOM_JOURNAL_READ_BYTES_MAX,
  ROOM_ROW_CHARS_MAX,
  ROOM_SAVE_INTERVAL_MS,
} from '../../../src/limits';
import { RoomJournal } from '../../../src/presence/room/room-journal';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import { type SessionRecord, type SessionRecords, ZERO_COUNTS } from '../../../src/presence/session';
import type { Report } from '../../../src/rate-limited-log';
import { emptyStorage } from '../../support/empty-storage';
import { sessionId } from '../../support/session-id';
import { TTL } from '../presence/room/room-replica';

const LONGEST_ROW_BYTES = 1_500_000;

/** Runs the test in a room without a journal. */
async function inRoom(test: (sql: SqlStorage) => void): Promise<void> {
  const room = () => env.PRESENCE_ROOM.getByName(ROOM_NAME);
  await emptyStorage();
  await runInDurableObject(room(), (_room, { storage }) => test(storage.sql));
}

const NOW = 1_000_000;

interface JournalOptions {
  readonly now?: () => number;
  readonly ttlMs?: number;
  readonly report?: Report;
}

/** Returns a journal of these rows. Its clock stands still unless the test passes another. */
const newJournal = (
  sql: SqlStorage,
  { now = () => NOW, ttlMs = TTL, report = () => undefined }: JournalOptions = {},
) => new RoomJournal(sql, ttlMs, now, report);

function sessionsFrom(from: number, count: number, lastSeen: number): SessionRecords {
  const record: SessionRecord = { mood: 'connection', lastSeen };
  return new Map(Array.from({ length: count }, (_, n) => [sessionId(from + n), record]));
}

/** Returns all sessions in the rows of a journal. */
const sessionsIn = (journal: RoomJournal) => new Map([...journal.read().sessions].flatMap((row) => [...row]));

const NO_BROADCASTS = new Map([['', ZERO_COUNTS]]);

const bytesIn = (sql: SqlStorage) =>
  Number(sql.exec('SELECT SUM(octet_length(sessions)) AS bytes FROM journal').one()['bytes']);
const longestRowIn = (sql: SqlStorage) =>
  Number(sql.exec('SELECT MAX(octet_length(sessions)) AS bytes FROM journal').one()['bytes']);

it('a journal splits its sessions into rows that fit, and reads each row for a TTL', () =>
  inRoom((sql) => {
    let now = NOW;
    const journal = newJournal(sql, { now: () => now });
    const all = sessionsFrom(0, 40_000, now);
    const counts = { ...ZERO_COUNTS, connection: all.size };
    journal.append(all, new Map([['', counts]]), all);
    const read = journal.read();
    const rows = [...read.sessions];
    expect(rows).toHaveLength(3);
    expect(longestRowIn(sql)).toBeGreaterThan(ROOM_ROW_CHARS_MAX - 100);
    expect(longestRowIn(sql)).toBeLessThanOrEqual(LONGEST_ROW_BYTES);
    expect(new Map(rows.flatMap((row) => [...row]))).toEqual(all);
    expect(read).toMatchObject({ savedAt: now, lastBroadcasts: new Map([['', counts]]) });
    now += TTL;
    journal.append(new Map(), NO_BROADCASTS, []);
    const last = journal.read();
    expect(last).toMatchObject({ savedAt: now, lastBroadcasts: new Map([['', ZERO_COUNTS]]) });
    expect([...last.sessions]).toEqual([new Map()]);
  }));

it(
  'a journal that gets too long is replaced by all sessions of the room',
  () =>
    inRoom((sql) => {
      let now = NOW;
      const options = { now: () => now, ttlMs: 600_000 };
      const journal = newJournal(sql, options);
      let written = 0;
      for (let save = 0; save < 60; save += 1) {
        now += ROOM_SAVE_INTERVAL_MS;
        const sessions = sessionsFrom(0, 15_000, now);
        journal.append(sessions, NO_BROADCASTS, sessions);
        written += sessions.size;
        expect(bytesIn(sql)).toBeLessThanOrEqual(ROOM_JOURNAL_BYTES_MAX + 2 * LONGEST_ROW_BYTES);
      }
      expect(80 * written).toBeGreaterThan(ROOM_JOURNAL_BYTES_MAX);
      expect(sessionsIn(newJournal(sql, options))).toEqual(sessionsFrom(0, 15_000, now));
    }),
  20_000,
);

it(
  'a room reads the end of a journal that 1.0 left too long, and replaces it with the next save',
  () =>
    inRoom((sql) => {
      const journal = newJournal(sql);
      // Version 1.0 put up to 20,000 sessions into a row, and kept all rows of a TTL.
      const filler = `"x":{"y":"${' '.repeat(987)}"},`.repeat(1_700);
      const rows = Math.ceil((1.5 * ROOM_JOURNAL_READ_BYTES_MAX) / filler.length);
      for (let n = 0; n < rows; n += 1) {
        const text = `{${filler}"${sessionId(n)}":{"mood":"release","lastSeen":${NOW}}}`;
        sql.exec('INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)', NOW, text, '{}');
      }
      const ids = [...journal.read().sessions].flatMap((row) => [...row.keys()]);
      expect(ids.length).toBe(Math.floor(ROOM_JOURNAL_READ_BYTES_MAX / (filler.length + 80)));
      expect(ids.at(-1)).toBe(sessionId(rows - 1));
      const all = sessionsFrom(0, 10, NOW);
      journal.append(new Map(), NO_BROADCASTS, all);
      expect([...journal.read().sessions]).toEqual([all]);
    }),
  20_000,
);

it('a journal splits sessions of channels with the longest names into rows that fit, and reads them', () =>
  inRoom((sql) => {
    const journal = newJournal(sql);
    const channel = 'a'.repeat(64);
    const all = new Map(
      [...sessionsFrom(0, 15_000, NOW)].map(([id, record]) => [`${channel}/${id}`, record]),
    );
    journal.append(all, NO_BROADCASTS, all);
    expect(longestRowIn(sql)).toBeLessThanOrEqual(LONGEST_ROW_BYTES);
    const rows = [...newJournal(sql).read().sessions];
    expect(rows).toHaveLength(2);
    expect(new Map(rows.flatMap((row) => [...row]))).toEqual(all);
  }));

it('a journal keeps the last broadcasts of 10,000 channels in one row, and writes the row only if it changes', () =>
  inRoom((sql) => {
    const journal = newJournal(sql);
    const counts = { ...ZERO_COUNTS, connection: 123_456 };
    const named = Array.from(
      { length: 10_000 },
      (_, n) => [`${'a'.repeat(59)}${10_000 + n}`, counts] as const,
    );
    const broadcasts = new Map([['', ZERO_COUNTS], ['constructor', counts], ...named]);
    journal.append(new Map(), broadcasts, []);
    expect(newJournal(sql).read().lastBroadcasts).toEqual(broadcasts);
    const changes = () => Number(sql.exec('SELECT total_changes() AS changes').one()['changes']);
    const before = changes();
    journal.append(new Map(), new Map([...broadcasts, ['empty', ZERO_COUNTS]]), []);
    expect(changes() - before).toBe(1);
    journal.append(new Map(), NO_BROADCASTS, []);
    expect(changes() - before).toBe(3);
    expect(newJournal(sql).read().lastBroadcasts).toEqual(NO_BROADCASTS);
  }));

it('a journal reports the rows, entries and counts that it cannot read, in one report', () =>
  inRoom((sql) => {
    const reports: string[] = [];
    const read = () => newJournal(sql, { report: (trouble) => void reports.push(trouble) }).read();
    newJournal(sql).append(sessionsFrom(0, 2, NOW), NO_BROADCASTS, []);
    expect([...read().sessions]).toEqual([sessionsFrom(0, 2, NOW)]);
    expect(reports).toEqual([]);
    const insert = (sessions: unknown, told: unknown) =>
      sql.exec('INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)', NOW, sessions, told);
    insert('{"anna": 1, "ben": {}}', '{}');
    insert('no JSON', '{}');
    insert(null, 'no counts');
    sql.exec('INSERT INTO channels (id, counts) VALUES (1, ?)', '{"../x":{}}');
    const { sessions, lastBroadcasts } = read();
    expect([...sessions].flatMap((row) => [...row.keys()])).toEqual([...sessionsFrom(0, 2, NOW).keys()]);
    expect(lastBroadcasts).toEqual(new Map([['', ZERO_COUNTS]]));
    expect(reports).toEqual([expect.stringMatching(/^6 stored entries could not be read/)]);
  }));

it('a failed replacement of a journal that is too long keeps the sessions that it holds', () =>
  inRoom((sql) => {
    const journal = newJournal(sql);
    const filler = `{"x":"${' '.repeat(1_900_000)}"}`;
    for (let bytes = 0; bytes <= ROOM_JOURNAL_BYTES_MAX; bytes += filler.length)
      sql.exec('INSERT INTO journal (saved_at, sessions, told) VALUES (?, ?, ?)', NOW, filler, '{}');
    const known = sessionsFrom(0, 10, NOW);
    journal.append(known, NO_BROADCASTS, known);
    expect([...journal.read().sessions].length).toBeGreaterThan(20);
    const failing = (function* () {
      yield* sessionsFrom(10, 40_000, NOW);
      throw new Error('SQLITE_FULL');
    })();
    expect(() => journal.append(new Map(), NO_BROADCASTS, failing)).toThrow('SQLITE_FULL');
    const ids = [...journal.read().sessions].flatMap((row) => [...row.keys()]);
    for (const id of known.keys()) expect(ids).toContain(id);
    const all = sessionsFrom(0, 40_000, NOW);
    journal.append(new Map(), NO_BROADCASTS, all);
    expect(sessionsIn(journal)).toEqual(all);
  }));
