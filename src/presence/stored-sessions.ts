import { CLOCK_SKEW_MAX_MS, STORED_PART_CHARS, STORED_PART_CHARS_MAX, STORED_PART_TRIES } from '../limits';
import { isObject, parseJsonObject } from './parse-json';
import { isMood, type Mood, type SessionRecord } from './session';
import { parseSessionId } from './session-key';

/** A stored session. `rests` marks one that counts longer, because its writer was alone in its location and writes rarely. */
export type StoredRecord = SessionRecord & { readonly rests?: true };

/** The sessions of a stored value, by key. */
export interface ParsedSessions<Entry = StoredRecord> {
  readonly sessions: Map<string, Entry>;
  /** Number of entries that are no session records. A value that is no object counts as one entry, and so does an unreadable remainder. */
  readonly dropped: number;
  /** The value holds more than `max` sessions. `sessions` lacks the last ones. */
  readonly isCut: boolean;
}

/** Reads a row of the room's journal: see `parseEntries`. */
export const parseSessions = (
  value: string | null | undefined,
  now: number,
  max?: number,
  parseKey?: typeof parseSessionId,
): ParsedSessions => parseEntries(value, now, storedRecord, max, parseKey);

const storedRecord: ToEntry<StoredRecord> = (mood, lastSeen, countsLonger) =>
  countsLonger ? { mood, lastSeen, rests: true } : { mood, lastSeen };

type ToEntry<Entry> = (mood: Mood | null, lastSeen: number, countsLonger: boolean) => Entry;

/**
 * Reads stored sessions: JSON, `{ sessionKey: { mood, lastSeen } }`. A session that left has `mood: null`. On KV, `rests: true` marks a
 * session that counts longer.
 *
 * Never throws, because other software may write the namespace. It drops an invalid entry, and lowers a time in the future to the
 * allowed clock skew. It checks records by hand, because a schema takes more time than the parsing. A test compares it with a schema.
 *
 * @param toEntry Makes the entry of each session.
 * @param max Most sessions to read.
 * @param parseKey Reads a key; by default only ids, because KV holds no named channels.
 */
export function parseEntries<Entry>(
  value: string | null | undefined,
  now: number,
  toEntry: ToEntry<Entry>,
  max = Number.POSITIVE_INFINITY,
  parseKey = parseSessionId,
): ParsedSessions<Entry> {
  const sessions = new Map<string, Entry>();
  const latest = now + CLOCK_SKEW_MAX_MS;
  let dropped = 0;
  for (const part of parseParts(value ?? '{}')) {
    if (part === undefined) dropped += 1;
    for (const key of Object.keys(part ?? {})) {
      const id = parseKey(key);
      const entry = part?.[key];
      const { mood, lastSeen, rests } = isObject(entry) ? entry : NO_ENTRY;
      if (id !== undefined && (mood === null || isMood(mood)) && isTime(lastSeen)) {
        if (sessions.size >= max && !sessions.has(id)) return { sessions, dropped, isCut: true };
        sessions.set(id, toEntry(mood, Math.min(lastSeen, latest), rests === true));
      } else {
        dropped += 1;
      }
    }
  }
  return { sessions, dropped, isCut: false };
}

const NO_ENTRY: Json = {};

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * Parses the text of an object as several smaller objects, each with some of its entries. `JSON.parse` of a hostile 25 MiB takes up to
 * 1 GB and ends the isolate. Yields undefined in place of a remainder that is no JSON or cannot be split.
 */
function* parseParts(text: string): Generator<Json | undefined> {
  let from = 0;
  do {
    const { part, next } = parsePart(text, from);
    yield part;
    from = next;
  } while (from < text.length);
}

/**
 * Parses the next entries, and returns where the following ones start. A part plus two braces is JSON only if it ends in an entry of the
 * outermost object. If it ends inside a text or an inner object, the next `},` is tried.
 */
function parsePart(text: string, from: number): { readonly part: Json | undefined; readonly next: number } {
  const start = from === 0 ? '' : '{';
  const longest = from + STORED_PART_CHARS_MAX;
  const entryEnd = /\}\s*,\s*(?=")/g;
  entryEnd.lastIndex = from + STORED_PART_CHARS;
  for (let tries = 0; tries < STORED_PART_TRIES; tries += 1) {
    const end = entryEnd.exec(text)?.index ?? text.length;
    if (end > longest || end === text.length) break;
    const part = parseJsonObject(`${start}${text.slice(from, end)}}}`);
    if (part !== undefined) return { part, next: entryEnd.lastIndex };
  }
  const part = text.length <= longest ? parseJsonObject(start + text.slice(from)) : undefined;
  return { part, next: text.length };
}

type Json = Readonly<Record<string, unknown>>;
