import type { Replica } from '../replica';
import type { RosterEntry } from '../roster';
import type { ParsedSessions, StoredRecord } from '../stored-sessions';
import type { KvTiming } from '../timing';
import { isWriterAlone, type LocationSummary } from './location-summaries';

/** What stands under a location's key: its sessions, and its summary. */
export type StoredValue = ParsedSessions & { readonly summary: LocationSummary | undefined };

/** Records of a location, each with the time until which it counts. */
export type Entries = ReadonlyMap<string, RosterEntry>;

/** Whether a session of the location counts at `now` (ms). */
export function hasSessions(value: StoredValue, now: number, timing: KvTiming): boolean {
  const expiryOf = expiryIn(value, timing);
  for (const record of value.sessions.values())
    if (record.mood !== null && expiryOf(record) > now) return true;
  return false;
}

/**
 * Returns a function that says until when a stored record counts (ms). A session of a replica that was alone counts longer, since that one
 * writes rarely. `rests` marks it, in 1.0 the summary does.
 */
export function expiryIn({ summary }: StoredValue, timing: KvTiming): (record: StoredRecord) => number {
  const isMarked = summary === undefined || summary.marksRest === true;
  const isFromAlone = !isMarked && isWriterAlone(summary, timing);
  return ({ mood, lastSeen, rests }) => {
    // A tombstone outlives every copy of its session.
    const extensionMs = rests || isFromAlone || mood === null ? timing.aloneExtensionMs : 0;
    return lastSeen + timing.remoteTtlMs + extensionMs;
  };
}

/** What the key is to hold, what matters least first: own tombstones, others' records, own sessions. A remote session keeps its longer time. */
export function* entriesToStore(
  replica: Replica,
  kept: Entries,
  isAlone: boolean,
  { remoteTtlMs }: KvTiming,
): IterableIterator<readonly [string, StoredRecord]> {
  for (const [id, entry] of replica.own.tombstones) yield [id, toStore(entry, false)];
  for (const records of [kept, replica.remote.tombstones, replica.remote.presentSessions])
    for (const [id, entry] of records)
      yield [id, toStore(entry, entry.expiresAt > entry.lastSeen + remoteTtlMs)];
  for (const [id, entry] of replica.own.presentSessions) yield [id, toStore(entry, isAlone)];
}

function toStore({ mood, lastSeen }: RosterEntry, countsLonger: boolean): StoredRecord {
  return countsLonger ? { mood, lastSeen, rests: true } : { mood, lastSeen };
}
