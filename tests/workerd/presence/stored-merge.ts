import type { Replica, StoredMerge } from '../../../src/presence/replica';
import type { SessionRecord, SessionRecords } from '../../../src/presence/session';
import { recordsIn } from './records-in';

/** How a test merges, both in ms. By default each record counts for 70 s, and no session that expired here is ended. */
interface MergeOptions {
  readonly countsMs?: number;
  readonly endedBy?: number;
}

/** Merges records that a hub stores. */
export function mergeStored(
  replica: Replica,
  stored: SessionRecords,
  now: number,
  { countsMs = 70_000, endedBy = Number.NEGATIVE_INFINITY }: MergeOptions = {},
): StoredMerge {
  const entries = [...stored].map(
    ([id, record]) => [id, { ...record, expiresAt: record.lastSeen + countsMs }] as const,
  );
  return replica.mergeStored(new Map(entries), now, endedBy);
}

/** Returns all records that the hub stores after such a merge. */
export function allOf(
  replica: Replica,
  stored: SessionRecords,
  now: number,
  options?: MergeOptions,
): Map<string, SessionRecord> {
  const { kept } = mergeStored(replica, stored, now, options);
  return recordsIn(new Map([...kept, ...replica.remote, ...replica.own]));
}
