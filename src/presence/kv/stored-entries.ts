import type { Replica } from '../replica';
import type { RosterEntry } from '../roster';
import type { ParsedSessions, StoredRecord } from '../stored-sessions';
import type { KvTiming } from '../timing';
import { isWriterAlone, type LocationSummary } from './location-summaries';

/** What stands under a location's key: its sessions, and its summary. */
export type StoredValue = ParsedSessions & { readonly summary: LocationSummary | undefined };

/** Records of a location, each with the time until which it counts. */
export type Entries = ReadonlyMap<string, RosterEntry>;

/** A session of a replica that was alone counts longer, since that one writes rarely: its summary or the session itself says so. */
export function entriesOf({ sessions, summary }: StoredValue, timing: KvTiming): Entries {
  const isFromAlone = summary !== undefined && isWriterAlone(summary, timing);
  const entries = new Map<string, RosterEntry>();
  for (const [id, { mood, lastSeen, rests }] of sessions) {
    const extensionMs = rests || isFromAlone ? timing.aloneExtensionMs : 0;
    entries.set(id, { mood, lastSeen, expiresAt: lastSeen + timing.remoteTtlMs + extensionMs });
  }
  return entries;
}

/** What the key is to hold, tombstones of own sessions before present ones. A remote session keeps its longer time. */
export function* entriesToStore(
  replica: Replica,
  kept: Entries,
  { remoteTtlMs }: KvTiming,
): IterableIterator<readonly [string, StoredRecord]> {
  for (const records of [kept, replica.remote]) {
    for (const [id, { mood, lastSeen, expiresAt }] of records)
      yield [id, { mood, lastSeen, ...(expiresAt > lastSeen + remoteTtlMs && { rests: true as const }) }];
  }
  yield* replica.own;
}
