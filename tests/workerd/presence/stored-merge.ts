import type { Replica } from '../../../src/presence/replica';
import type { SessionRecord, SessionRecords } from '../../../src/presence/session';
import { recordsIn } from './records-in';

/** Merges records that a hub stores, each of which counts for so long (ms). Returns those that stay stored and do not count. */
export function mergeStored(
  replica: Replica,
  stored: SessionRecords,
  now: number,
  countsMs = 70_000,
): SessionRecords {
  const entries = [...stored]
    .map(([id, record]) => [id, { ...record, expiresAt: record.lastSeen + countsMs }] as const)
    .filter(([, { expiresAt }]) => expiresAt > now);
  return replica.replaceRemote(new Map(entries), now);
}

/** All that the hub stores after such a merge. */
export function allOf(
  replica: Replica,
  stored: SessionRecords,
  now: number,
  countsMs?: number,
): Map<string, SessionRecord> {
  const kept = mergeStored(replica, stored, now, countsMs);
  return recordsIn(new Map([...kept, ...replica.remote, ...replica.own]));
}
