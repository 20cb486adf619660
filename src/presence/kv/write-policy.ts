import { CHANGES_SHARE, FEW_PEOPLE } from '../../limits';
import type { Replica } from '../replica';
import type { SessionRecords } from '../session';
import type { KvTiming } from '../timing';

/** When this replica last wrote the key (ms), and whether it was alone in its location. */
export interface LastWrite {
  readonly at: number;
  readonly isAlone: boolean;
}

/** The state after the merge of what was read. */
interface WriteInput {
  readonly replica: Replica;
  /** What was read, and what stays stored although the replica no longer counts it. */
  readonly stored: SessionRecords;
  readonly kept: SessionRecords;
  /** Number of present sessions in all locations, as far as the replica knows. */
  readonly everywhere: number;
  /** Whether no other replica writes the key. */
  readonly isAlone: boolean;
  readonly lastWrite: LastWrite;
  /** Whether a replica that is alone in the world may write a change. */
  readonly hasBudget: boolean;
  readonly now: number;
  readonly timing: KvTiming;
}

/**
 * Decides whether a sync writes the location's key. Each write is billed.
 *
 * - Changes of more than `CHANGES_SHARE` of all sessions are written at once, fewer after `refreshMs`.
 * - Heartbeats are written after `refreshMs`, otherwise other replicas no longer count them. A replica that is alone in its
 *   location writes them `aloneExtensionMs` later, if its last write said so.
 * - A replica that holds all of a few sessions is alone in the world. It writes changes only as far as its budget reaches.
 */
export function decideWrite(input: WriteInput): boolean {
  const { replica, everywhere, isAlone, lastWrite, hasBudget, now, timing } = input;
  const waits = isAlone && lastWrite.isAlone;
  const refreshAt = lastWrite.at + timing.refreshMs + (waits ? timing.aloneExtensionMs : 0);
  if (replica.own.size > 0 && now >= refreshAt) return true;
  const changes = countChanges(input);
  if (isAlone && everywhere <= FEW_PEOPLE && everywhere === replica.own.size) return changes > 0 && hasBudget;
  if (changes > everywhere * CHANGES_SHARE) return true;
  return changes > 0 && now >= lastWrite.at + timing.refreshMs;
}

/**
 * In how many sessions the stored value differs from what the replica knows: present or not, and in which mood. A session that
 * is still present in its mood is not a difference, unless its heartbeat is older than any of the last write: then another
 * replica has overwritten that. Other replicas write their own sessions.
 */
function countChanges({ replica, stored, kept, lastWrite, timing }: WriteInput): number {
  const oldest = lastWrite.at - timing.ttlMs;
  let changes = 0;
  for (const [id, { mood }] of replica.own) {
    const theirs = stored.get(id);
    if ((theirs?.mood ?? null) !== mood) changes += 1;
    else if (theirs !== undefined && mood !== null && theirs.lastSeen < oldest) changes += 1;
  }
  for (const [id, { mood }] of stored) {
    if (mood !== null && replica.get(id) === undefined && !kept.has(id)) changes += 1;
  }
  return changes;
}
