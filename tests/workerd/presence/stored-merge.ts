import type { Replica } from '../../../src/presence/replica';
import type { SessionRecord, SessionRecords } from '../../../src/presence/session';
import { recordsIn } from './records-in';

/** Merges records that a hub stores, each of which counts for 60 s. Returns those that stay stored and do not count. */
export function mergeStored(replica: Replica, stored: SessionRecords, now: number): SessionRecords {
  const entries = [...stored].map(
    ([id, record]) => [id, { ...record, expiresAt: record.lastSeen + 60_000 }] as const,
  );
  return replica.replaceRemote(new Map(entries), now);
}

/** All that the hub stores after such a merge. */
export function allOf(replica: Replica, stored: SessionRecords, now: number): Map<string, SessionRecord> {
  const kept = mergeStored(replica, stored, now);
  return recordsIn(new Map([...kept, ...replica.remote, ...replica.own]));
}
