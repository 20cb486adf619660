import { CLOCK_SKEW_MAX_MS, STORED_ENTRY_CHARS_MAX, STORED_PART_CHARS, STORED_PART_ENTRIES } from '../limits';
import { MOODS } from '../moods';
import { parseJson } from './parse-json';
import { SessionRecord } from './session';
import { parseSessionId } from './session-key';

/** A stored session. `rests`: its writer was alone in its location and writes rarely, so the session counts longer. */
export type StoredRecord = SessionRecord & { readonly rests?: true };

/** `dropped` is the number of entries that are no session records. A value that is no map counts as one. */
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
 * allowed clock skew. It parses the value in parts: `JSON.parse` of a hostile 25 MiB takes up to 1 GB and ends the isolate.
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
  if (value === null || value === undefined) return { sessions, dropped: 0, isCut: false };
  const latest = now + CLOCK_SKEW_MAX_MS;
  let dropped = 0;
  for (const part of splitEntries(value)) {
    const json = part === undefined ? {} : parseJson(part);
    if (!isObject(json)) return { sessions: new Map(), dropped: 1, isCut: false };
    if (part === undefined) dropped += 1;
    for (const key of Object.keys(json)) {
      const id = parseKey(key);
      const record = parseRecord(json[key], latest);
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

function parseRecord(entry: unknown, latest: number): StoredRecord | undefined {
  const record = SessionRecord.safeParse(entry).data;
  if (record === undefined) return undefined;
  const known = record.lastSeen > latest ? { ...record, lastSeen: latest } : record;
  return isObject(entry) && entry['rests'] === true ? { ...known, rests: true } : known;
}

const [QUOTE, COMMA, OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [
  0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];

/** Splits the text of an object into texts of smaller objects. Yields undefined for an entry that is too long. */
function* splitEntries(text: string): Generator<string | undefined> {
  let [from, entryFrom] = [0, 0];
  for (const end of findEntryEnds(text)) {
    const isTooLong = end - entryFrom > STORED_ENTRY_CHARS_MAX;
    if (isTooLong || end - from > STORED_PART_CHARS || end === text.length) {
      const to = isTooLong ? entryFrom - 1 : end;
      if (to >= from) yield `${from === 0 ? '' : '{'}${text.slice(from, to)}${to === text.length ? '' : '}'}`;
      if (isTooLong) yield undefined;
      from = end + 1;
    }
    entryFrom = end + 1;
  }
}

/** Yields where the entries of an object end: each comma between two of them, and the end. Linear time for any text. */
function* findEntryEnds(text: string): Generator<number> {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = findStringEnd(text, at + 1);
    else if (code === COMMA && depth === 1) yield at;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
  yield text.length;
}

/** The index of the quote that ends a string. A quote after an odd number of backslashes is part of the string. */
function findStringEnd(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

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
  for (const [key, { mood, lastSeen, rests }] of sessions) {
    const rest = rests ? ',"rests":true' : '';
    const entry = `${JSON.stringify(key)}:{"mood":${MOOD_TEXTS.get(mood)},"lastSeen":${lastSeen}${rest}}`;
    // One more for the comma or the brace after the entry.
    if (chars > 1 && chars + entry.length + 1 > charsMax) yield takeText();
    entries.push(entry);
    chars += entry.length + 1;
    if (entries.length === STORED_PART_ENTRIES) parts.push(entries.splice(0).join(','));
  }
  yield takeText();
}

const MOOD_TEXTS = new Map([null, ...MOODS].map((mood) => [mood, JSON.stringify(mood)]));
