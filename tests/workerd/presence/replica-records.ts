import type { Replica, StoredMerge } from '../../../src/presence/replica';
import type { SessionRecord, SessionRecords } from '../../../src/presence/session';
import { sessionId } from '../../support/session-id';

export const [ANNA, BEN] = [sessionId(1), sessionId(2)];

export const NONE: SessionRecords = new Map();

/** Returns one record of ANNA. */
export const anna = (mood: SessionRecord['mood'], lastSeen: number): SessionRecords =>
  new Map([[ANNA, { mood, lastSeen }]]);

/** Returns the mood and the stamp of each session, without its expiry. */
export function recordsIn(sessions: SessionRecords): Map<string, SessionRecord> {
  return new Map([...sessions].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }]));
}

/** By default each record counts for 70 s, and the merge ends no session that expired here. */
interface MergeOptions {
  /** A record counts this long after its stamp (ms). */
  readonly countsMs?: number;
  /** The merge ends expired sessions whose last heartbeat is not later (ms). */
  readonly endedBy?: number;
}

/** Merges the records that a hub stores. */
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

/** Merges the records that a hub stores, and returns those that the replica would write next. */
export function storedAfterMerge(
  replica: Replica,
  stored: SessionRecords,
  now: number,
  options?: MergeOptions,
): Map<string, SessionRecord> {
  const { kept } = mergeStored(replica, stored, now, options);
  return recordsIn(new Map([...kept, ...replica.remote, ...replica.own]));
}
