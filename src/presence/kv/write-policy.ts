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
  readonly stored: SessionRecords;
  /** How many stored sessions have ended, or were dropped. */
  readonly ended: number;
  /** Number of present sessions in all locations, as far as the replica knows. */
  readonly everywhere: number;
  /** Whether no other replica writes the key. */
  readonly isAlone: boolean;
  readonly lastWrite: LastWrite;
  /** Whether a replica that holds all of a few sessions may write an ended one. */
  readonly hasBudget: boolean;
  readonly now: number;
  readonly timing: KvTiming;
}

/**
 * Decides whether a sync writes the location's key. Each write is billed.
 *
 * - Changes of more than `CHANGES_SHARE` of all sessions are written at once, fewer after `refreshMs`.
 * - Heartbeats are written after `refreshMs`, otherwise other replicas no longer count them. A replica that is alone in its
 *   location writes them `aloneExtensionMs` later, if it was alone at its last write too.
 * - A replica that holds all of a few sessions has few readers, if any. It writes ended sessions as far as its budget
 *   reaches. Other changes wait for the heartbeats.
 */
export function decideWrite(input: WriteInput): boolean {
  const { replica, ended, everywhere, isAlone, lastWrite, hasBudget, now, timing } = input;
  const waits = isAlone && lastWrite.isAlone;
  const refreshAt = lastWrite.at + timing.refreshMs + (waits ? timing.aloneExtensionMs : 0);
  if (replica.own.size > 0 && now >= refreshAt) return true;
  if (isAlone && everywhere <= 2 * FEW_PEOPLE && everywhere === replica.own.size)
    return ended > 0 && hasBudget;
  const changes = ended + countStarted(input);
  if (changes > everywhere * CHANGES_SHARE) return true;
  return changes > 0 && now >= lastWrite.at + timing.refreshMs;
}

/**
 * A session that expired here is ended for all if its last heartbeat came by this time (ms). One that moved to another replica
 * must first be stored by that one.
 */
export function endedBy(isAlone: boolean, now: number, { ttlMs, endAfterMs }: KvTiming): number {
  return now - (isAlone ? ttlMs : endAfterMs);
}

/**
 * How many own sessions are not stored in their mood. A heartbeat that is older than all of the last write counts too: then
 * another replica has overwritten that write.
 */
function countStarted({ replica, stored, lastWrite, timing }: WriteInput): number {
  const oldest = lastWrite.at - timing.ttlMs;
  let started = 0;
  for (const [id, { mood }] of replica.own.presentSessions) {
    const theirs = stored.get(id);
    if (theirs?.mood !== mood || theirs.lastSeen < oldest) started += 1;
  }
  return started;
}
