import { CLOCK_SKEW_MAX_MS } from '../limits';
import { parseJson } from './parse-json';
import { SessionId, SessionRecord, type SessionRecords } from './session';

/** `dropped` counts the entries of the stored value that were not session records; a value that is no map at all counts as one. */
interface ParsedSessions {
  readonly sessions: Map<string, SessionRecord>;
  readonly dropped: number;
}

/**
 * Reads the value of a location's key, or a row of the room's journal: JSON, `{ sessionId: { mood, lastSeen } }`, with `mood: null` for a session that left.
 * Never throws: the value may come from anybody who can write the namespace, so what does not parse is dropped,
 * and times that lie in the future are taken back to what a clock can be ahead.
 */
export function parseSessions(value: string | null | undefined, now: number): ParsedSessions {
  if (value === null || value === undefined) return { sessions: new Map(), dropped: 0 };
  const json = parseJson(value);
  if (!isObject(json)) return { sessions: new Map(), dropped: 1 };
  const latest = now + CLOCK_SKEW_MAX_MS;
  const sessions = new Map<string, SessionRecord>();
  let dropped = 0;
  for (const key of Object.keys(json)) {
    const id = WRITTEN_ID.test(key) ? key : SessionId.safeParse(key).data;
    const record = SessionRecord.safeParse(json[key]).data;
    if (id !== undefined && record !== undefined) {
      sessions.set(id, record.lastSeen > latest ? { ...record, lastSeen: latest } : record);
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
 */
export function formatSessions(sessions: SessionRecords): string {
  let entries = '';
  for (const [id, { mood, lastSeen }] of sessions) {
    entries += `${entries === '' ? '' : ','}${JSON.stringify(id)}:${JSON.stringify({ mood, lastSeen })}`;
  }
  return `{${entries}}`;
}
