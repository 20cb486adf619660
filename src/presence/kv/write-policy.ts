import { ALONE_PEOPLE_MAX, CHANGES_SHARE } from '../../limits';
import type { Replica } from '../replica';
import { type SessionRecords, totalOf } from '../session';
import type { StoredRecords } from '../stored-sessions';
import type { KvTiming } from '../timing';
import { isLeaseExtended, type LocationSummary } from './location-summaries';

/** When this replica last wrote the key (ms), and whether it extended its lease. */
export interface LastWrite {
  readonly at: number;
  readonly extendsLease: boolean;
}

/** The state after the merge of what was read. */
interface WriteInput {
  readonly replica: Replica;
  /** What was read, and what stays stored although the replica no longer counts it. */
  readonly stored: StoredRecords;
  readonly kept: SessionRecords;
  readonly summary: LocationSummary | undefined;
  /** Number of present sessions, as far as the replica knows. */
  readonly everywhere: number;
  /** Whether another location has a valid summary. */
  readonly hasOtherLocations: boolean;
  /** Whether readers can see an extended lease. */
  readonly canExtendLease: boolean;
  readonly lastWrite: LastWrite;
  readonly hasEarlyWrite: boolean;
  readonly now: number;
  readonly timing: KvTiming;
}

/** `extendsLease`: the write says that the next one may come `leaseExtensionMs` later. */
export interface WriteDecision {
  readonly write: boolean;
  readonly extendsLease: boolean;
}

/**
 * Decides whether a sync writes the location's key. Each write is billed, so it must change what readers count:
 *
 * - after `refreshMs`, since readers count a session only for so long after a write of its heartbeat;
 * - before that, when changes concern more than `CHANGES_SHARE` of all sessions;
 * - a replica that is alone, with few sessions, extends its lease and then writes less often. It writes ended sessions early, as
 *   often as the free plan allows. New sessions and moods wait for the refresh;
 * - a replica without sessions never refreshes. It still writes when stored sessions have expired, otherwise other locations
 *   keep counting them.
 */
export function decideWrite(input: WriteInput): WriteDecision {
  const extendsLease = input.canExtendLease && isAlone(input);
  return { write: isWorthWriting(input, extendsLease), extendsLease };
}

function isWorthWriting(input: WriteInput, extendsLease: boolean): boolean {
  const { replica, stored, summary, lastWrite, everywhere, now, timing } = input;
  if (replica.own.recordsSize === 0)
    return (
      summary !== undefined && totalOf(summary.moods) - totalOf(replica.counts) > everywhere * CHANGES_SHARE
    );
  const waits = extendsLease && summaryExtendsLease(input);
  const refreshAt = lastWrite.at + timing.refreshMs + (waits ? timing.leaseExtensionMs : 0);
  if (now >= refreshAt) return true;
  if (waits) return input.hasEarlyWrite && hasEnded(stored, replica);
  return countChanges(input) > everywhere * CHANGES_SHARE;
}

/** Whether no other replica holds a session, as far as this one knows, and its own ones are few. */
function isAlone({ replica, hasOtherLocations }: WriteInput): boolean {
  return replica.remote.recordsSize === 0 && !hasOtherLocations && replica.own.size <= ALONE_PEOPLE_MAX;
}

/**
 * Whether the stored summary extends the lease. Another replica may have written since, and then it does not count. An older
 * `summary.at` does: KV may return an earlier write.
 */
function summaryExtendsLease({ summary, lastWrite, timing }: WriteInput): boolean {
  if (summary === undefined || !lastWrite.extendsLease) return false;
  return summary.at <= lastWrite.at && isLeaseExtended(summary, timing);
}

/** Whether a stored session with an extended lease is no longer present here. */
function hasEnded(stored: StoredRecords, replica: Replica): boolean {
  for (const [id, { mood, rests }] of stored)
    if (rests && mood !== null && !replica.own.isPresent(id)) return true;
  return false;
}

/**
 * In how many sessions the stored value differs from what the replica knows: present or not, and in which mood. A session that
 * is still present in its mood is not a difference.
 */
function countChanges({ replica, stored, kept }: WriteInput): number {
  let changes = 0;
  for (const records of [replica.own, replica.remote]) {
    for (const [id, { mood }] of records) if ((stored.get(id)?.mood ?? null) !== mood) changes += 1;
  }
  for (const [id, { mood }] of stored) {
    if (mood !== null && replica.get(id) === undefined && !kept.has(id)) changes += 1;
  }
  return changes;
}
