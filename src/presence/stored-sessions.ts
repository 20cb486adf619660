import { CLOCK_SKEW_MAX_MS } from '../limits';
import { parseJson } from './parse-json';
import { SessionId, SessionRecord } from './session';

/** A stored session. It `rests` if its writer may stay silent for longer than usual, and counts for so much longer. */
export type StoredRecord = SessionRecord & { readonly rests?: true };
export type StoredRecords = ReadonlyMap<string, StoredRecord>;

/** `dropped` counts the entries of the stored value that were not session records; a value that is no map at all counts as one. */
interface ParsedSessions {
  readonly sessions: Map<string, StoredRecord>;
  readonly dropped: number;
  /** The value holds more sessions than the caller takes. Those that stand last in it are left out. */
  readonly isCut: boolean;
}

/**
 * Reads the value of a location's key, or a row of the room's journal: JSON, `{ sessionId: { mood, lastSeen } }`, with `mood: null`
 * for a session that left, and on KV with `rests: true` where the writer rests.
 * Never throws: the value may come from anybody who can write the namespace, so what does not parse is dropped,
 * and times that lie in the future are taken back to what a clock can be ahead.
 *
 * The value is parsed part by part. `JSON.parse` of 25 MiB that a stranger wrote takes up to 1 GB and ends the isolate.
 *
 * @param max It reads so many sessions, and nothing of the value after them.
 */
export function parseSessions(
  value: string | null | undefined,
  now: number,
  max = Number.POSITIVE_INFINITY,
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
      const id = WRITTEN_ID.test(key) ? key : SessionId.safeParse(key).data;
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

/** An id as this service writes it. The schema, which knows other forms too, takes a tenth of a sync's time. */
const WRITTEN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A part of a stored value has so many characters, and at most one entry more. */
const PART_CHARS = 65_536;

/** Longest entry, in characters. Ours have at most 99; the rest is room for keys of a later version. */
const ENTRY_CHARS_MAX = 4_096;

const [QUOTE, COMMA, OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [
  0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];

/** Splits the text of an object into texts of smaller objects. In place of an entry that is too long comes `undefined`. */
function* splitEntries(text: string): Generator<string | undefined> {
  let [from, entryFrom] = [0, 0];
  for (const end of findEntryEnds(text)) {
    const isTooLong = end - entryFrom > ENTRY_CHARS_MAX;
    if (isTooLong || end - from > PART_CHARS || end === text.length) {
      const to = isTooLong ? entryFrom - 1 : end;
      if (to >= from) yield `${from === 0 ? '' : '{'}${text.slice(from, to)}${to === text.length ? '' : '}'}`;
      if (isTooLong) yield undefined;
      from = end + 1;
    }
    entryFrom = end + 1;
  }
}

/** Where the entries of an object end: at each comma between two of them, and at the end. One walk over the text, whatever it is. */
function* findEntryEnds(text: string): Generator<number> {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = findStringEnd(text, at + 1);
        break;
      case COMMA:
        if (depth === 1) yield at;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        break;
      default:
    }
  }
  yield text.length;
}

/** The quote that ends a string. One behind an odd number of backslashes belongs to the string. */
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

/**
 * Writes what `parseSessions` reads, entry by entry: an object with thousands of keys, made just to be written, costs twice the
 * time. Parts are joined as they come, otherwise V8 keeps each entry as a string of its own until the end.
 */
export function formatSessions(sessions: Iterable<readonly [string, StoredRecord]>): string {
  const parts: string[] = [];
  let entries: string[] = [];
  for (const [key, { mood, lastSeen, rests }] of sessions) {
    entries.push(`${JSON.stringify(key)}:${JSON.stringify({ mood, lastSeen, rests })}`);
    if (entries.length < PART_ENTRIES) continue;
    parts.push(entries.join(','));
    entries = [];
  }
  if (entries.length > 0) parts.push(entries.join(','));
  return `{${parts.join(',')}}`;
}

const PART_ENTRIES = 1_000;
