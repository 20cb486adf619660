import {
  CLOCK_SKEW_MAX_MS,
  STORED_PART_CHARS,
  STORED_PART_CHARS_MAX,
  STORED_PART_ENTRIES,
  STORED_PART_TRIES,
} from '../limits';
import { MOODS } from '../moods';
import { isObject, parseJsonObject } from './parse-json';
import { isMood, type SessionRecord } from './session';
import { parseSessionId } from './session-key';

/** A stored session. `rests`: its writer was alone in its location and writes rarely, so the session counts longer. */
export type StoredRecord = SessionRecord & { readonly rests?: true };

/** `dropped` is the number of entries that are no session records. A value that is no map counts as one, and so does an unreadable rest. */
export interface ParsedSessions {
  readonly sessions: Map<string, StoredRecord>;
  readonly dropped: number;
  /** The value holds more than `max` sessions; the last ones are left out. */
  readonly isCut: boolean;
}

/**
 * Reads the value of a location's key, or a row of the room's journal: JSON, `{ sessionKey: { mood, lastSeen } }`. A session that
 * left has `mood: null`. On KV, `rests: true` marks a session that counts longer.
 *
 * Never throws, because other software may write the namespace. It drops an invalid entry, and lowers a time in the future to the
 * allowed clock skew.
 *
 * @param max Most sessions to read.
 * @param parseKey Reads a key; by default only ids, because KV holds no named channels.
 */
export function parseSessions(
  value: string | null | undefined,
  now: number,
  max = Number.POSITIVE_INFINITY,
  parseKey = parseSessionId,
): ParsedSessions {
  const sessions = new Map<string, StoredRecord>();
  const latest = now + CLOCK_SKEW_MAX_MS;
  let dropped = 0;
  for (const part of parseParts(value ?? '{}')) {
    if (part === undefined) dropped += 1;
    for (const key of Object.keys(part ?? {})) {
      const id = parseKey(key);
      const record = parseRecord(part?.[key], latest);
      if (id === undefined || record === undefined) {
        dropped += 1;
      } else {
        if (sessions.size >= max && !sessions.has(id)) return { sessions, dropped, isCut: true };
        sessions.set(id, record);
      }
    }
  }
  return { sessions, dropped, isCut: false };
}

/** Checks what the schema `SessionRecord` says. The schema itself takes a third of a sync's time, and more in a new isolate. */
function parseRecord(entry: unknown, latest: number): StoredRecord | undefined {
  if (!isObject(entry)) return undefined;
  const { mood, lastSeen, rests } = entry;
  if (mood !== null && !isMood(mood)) return undefined;
  if (!Number.isSafeInteger(lastSeen) || (lastSeen as number) < 0) return undefined;
  const record = { mood, lastSeen: Math.min(lastSeen as number, latest) };
  return rests === true ? { ...record, rests } : record;
}

/**
 * Parses the text of an object as several smaller objects, each with some of its entries. `JSON.parse` of a hostile 25 MiB takes up to
 * 1 GB and ends the isolate. Yields undefined in place of a rest that is no JSON or cannot be split.
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
 * Parses some entries, and returns where the next ones start. If a part is JSON with two braces after it, then it ends in an entry of the
 * outermost object: inside a text or an inner object it would be no JSON.
 */
function parsePart(text: string, from: number): { readonly part: Json | undefined; readonly next: number } {
  const start = from === 0 ? '' : '{';
  const longest = from + STORED_PART_CHARS_MAX;
  let end = from + STORED_PART_CHARS;
  for (let tries = 0; tries < STORED_PART_TRIES; tries += 1) {
    end = text.indexOf(ENTRY_END, end + 1);
    if (end === -1 || end > longest) break;
    const part = parseJsonObject(`${start}${text.slice(from, end)}}}`);
    if (part !== undefined) return { part, next: end + 2 };
  }
  const part = text.length <= longest ? parseJsonObject(start + text.slice(from)) : undefined;
  return { part, next: text.length };
}

type Json = Readonly<Record<string, unknown>>;

/** The brace of a record, and the comma and the quote before the next key. */
const ENTRY_END = '},"';

/** Returns the text that `parseSessions` reads. */
export function formatSessions(sessions: Iterable<readonly [string, StoredRecord]>): string {
  const [text = '{}'] = formatInTexts(sessions, Number.POSITIVE_INFINITY);
  return text;
}

/**
 * The same in texts of at most `charsMax` characters; at least one. Text by text takes a third of the time of `JSON.stringify`.
 * Entries are joined in parts, otherwise V8 keeps each entry as a string until the end.
 */
export function* formatInTexts(
  sessions: Iterable<readonly [string, StoredRecord]>,
  charsMax: number,
): Generator<string> {
  let parts: string[] = [];
  let entries: string[] = [];
  let chars = 1;
  const takeText = () => {
    if (entries.length > 0) parts.push(entries.join(','));
    const text = `{${parts.join(',')}}`;
    [parts, entries, chars] = [[], [], 1];
    return text;
  };
  // The keys need no escapes: `sessionKey` builds them from ids and names that a schema has checked.
  for (const [key, { mood, lastSeen, rests }] of sessions) {
    const entry = `"${key}${BETWEEN.get(mood)}${lastSeen}${rests ? ',"rests":true}' : '}'}`;
    // One more for the comma or the brace after the entry.
    if (chars > 1 && chars + entry.length + 1 > charsMax) yield takeText();
    entries.push(entry);
    chars += entry.length + 1;
    if (entries.length === STORED_PART_ENTRIES) parts.push(entries.splice(0).join(','));
  }
  yield takeText();
}

/** The text between key and time, by mood. */
const BETWEEN = new Map(
  [null, ...MOODS].map((mood) => [mood, `":{"mood":${JSON.stringify(mood)},"lastSeen":`]),
);
