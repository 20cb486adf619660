import { CLOCK_SKEW_MAX_MS } from '../limits';
import { parseJson } from './parse-json';
import { SessionId, SessionRecord, type SessionRecords } from './session';

/** A stored session. It `rests` if its writer may stay silent for longer than usual, and counts for so much longer. */
export type StoredRecord = SessionRecord & { readonly rests?: true };
export type StoredRecords = ReadonlyMap<string, StoredRecord>;

/** `dropped` counts the entries of the stored value that were not session records; a value that is no map at all counts as one. */
interface ParsedSessions {
  readonly sessions: Map<string, StoredRecord>;
  readonly dropped: number;
}

/**
 * Reads the value of a location's key, or a row of the room's journal: JSON, `{ sessionId: { mood, lastSeen } }`, with `mood: null`
 * for a session that left, and on KV with `rests: true` where the writer rests.
 * Never throws: the value may come from anybody who can write the namespace, so what does not parse is dropped,
 * and times that lie in the future are taken back to what a clock can be ahead.
 */
export function parseSessions(value: string | null | undefined, now: number): ParsedSessions {
  if (value === null || value === undefined) return { sessions: new Map(), dropped: 0 };
  const json = parseJson(value);
  if (!isObject(json)) return { sessions: new Map(), dropped: 1 };
  const latest = now + CLOCK_SKEW_MAX_MS;
  const sessions = new Map<string, StoredRecord>();
  let dropped = 0;
  for (const key of Object.keys(json)) {
    const id = WRITTEN_ID.test(key) ? key : SessionId.safeParse(key).data;
    const entry = json[key];
    const record = SessionRecord.safeParse(entry).data;
    if (id !== undefined && record !== undefined) {
      const known = record.lastSeen > latest ? { ...record, lastSeen: latest } : record;
      sessions.set(id, isObject(entry) && entry['rests'] === true ? { ...known, rests: true } : known);
    } else {
      dropped += 1;
    }
  }
  return { sessions, dropped };
}

/** An id as this service writes it. The schema, which knows other forms too, takes a tenth of a sync's time. */
const WRITTEN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/**
 * Writes what `parseSessions` reads, entry by entry: an object with thousands of keys, made just to be written, costs twice the
 * time.
 *
 * @param rests Whether the writer of the session rests.
 */
export function formatSessions(
  sessions: SessionRecords,
  rests: (id: string) => boolean = () => false,
): string {
  let entries = '';
  for (const [id, { mood, lastSeen }] of sessions) {
    const record: StoredRecord = rests(id) ? { mood, lastSeen, rests: true } : { mood, lastSeen };
    entries += `${entries === '' ? '' : ','}${JSON.stringify(id)}:${JSON.stringify(record)}`;
  }
  return `{${entries}}`;
}
