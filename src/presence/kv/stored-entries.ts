import { KV_SESSIONS_MAX } from '../../limits';
import type { Replica } from '../replica';
import type { RosterEntry } from '../roster';
import type { Mood } from '../session';
import { type ParsedSessions, parseEntries } from '../stored-sessions';
import type { KvTiming } from '../timing';
import { isWriterAlone, LocationSummary } from './location-summaries';

/** Records of a location, each with the time until which it counts. */
export type Entries = ReadonlyMap<string, RosterEntry>;

/** The value of a location's key: its sessions, and its summary. */
export interface StoredValue extends ParsedSessions<RosterEntry> {
  readonly summary: LocationSummary | undefined;
}

/** Parses the value and the metadata of a location's key. Never throws. */
export function parseStored(
  value: string | null,
  metadata: unknown,
  now: number,
  timing: KvTiming,
): StoredValue {
  const summary = LocationSummary.safeParse(metadata).data;
  const expiryOf = expiryIn(summary, timing);
  const toEntry = (mood: Mood | null, lastSeen: number, countsLonger: boolean) => ({
    mood,
    lastSeen,
    expiresAt: expiryOf(mood, lastSeen, countsLonger),
  });
  return { ...parseEntries(value, now, toEntry, KV_SESSIONS_MAX), summary };
}

/** Whether a session of the location counts at `now` (ms). */
export function hasSessions({ sessions }: StoredValue, now: number): boolean {
  for (const { mood, expiresAt } of sessions.values()) if (mood !== null && expiresAt > now) return true;
  return false;
}

/**
 * Returns a function for the expiry of an entry (ms). A session of a replica that was alone counts longer, because that replica writes
 * rarely. Its entry has the mark `rests`; a value of version 1.0 has it for all sessions, in its summary.
 */
function expiryIn(summary: LocationSummary | undefined, timing: KvTiming) {
  const isMarked = summary === undefined || summary.marksRest === true;
  const isFromAlone = !isMarked && isWriterAlone(summary, timing);
  return (mood: Mood | null, lastSeen: number, countsLonger: boolean): number => {
    // A tombstone outlives every copy of its session.
    const extensionMs = countsLonger || isFromAlone || mood === null ? timing.aloneExtensionMs : 0;
    return lastSeen + timing.remoteTtlMs + extensionMs;
  };
}

/**
 * Calls `store` with each record that the key is to hold: own tombstones, records of other replicas, own sessions. This order is by
 * importance, the least first. A remote session keeps its longer time. It takes a callback, because a generator takes more time.
 */
export function forEachToStore(
  replica: Replica,
  kept: Entries,
  isAlone: boolean,
  { remoteTtlMs }: KvTiming,
  store: (id: string, record: RosterEntry, countsLonger: boolean) => void,
): void {
  for (const [id, entry] of replica.own.tombstones) store(id, entry, false);
  for (const records of [kept, replica.remote.tombstones, replica.remote.presentSessions])
    for (const [id, entry] of records) store(id, entry, entry.expiresAt > entry.lastSeen + remoteTtlMs);
  for (const [id, entry] of replica.own.presentSessions) store(id, entry, isAlone);
}
