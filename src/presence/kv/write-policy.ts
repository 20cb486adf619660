import { CHANGES_SHARE, FEW_PEOPLE } from '../../limits';
import type { Replica } from '../replica';
import type { SessionRecords } from '../session';
import type { KvTiming } from '../timing';

/** When this replica last wrote the key (ms), and whether it was then alone in its location. */
export interface LastWrite {
  readonly at: number;
  readonly isAlone: boolean;
}

/** The state after the merge of the stored value. */
interface WriteInput {
  readonly replica: Replica;
  readonly stored: SessionRecords;
  /** Number of stored sessions that have ended, or that the replica dropped. */
  readonly ended: number;
  /** Number of present sessions in all locations that the replica knows. */
  readonly everywhere: number;
  /** Whether no other replica writes the key. */
  readonly isAlone: boolean;
  readonly lastWrite: LastWrite;
  /** Whether a replica that holds all of a few sessions may write ended ones now. */
  readonly hasBudget: boolean;
  readonly now: number;
  readonly timing: KvTiming;
}

/**
 * Decides whether a sync writes the location's key. Each write is billed.
 *
 * - Changes of more than `CHANGES_SHARE` of all sessions are written at once, fewer after `refreshMs`.
 * - Heartbeats are written after `refreshMs`, otherwise other replicas no longer count them. A replica that is alone in its
 *   location writes them `aloneExtensionMs` later, if it was also alone at its last write.
 * - A replica that holds all of a few sessions has few readers, if any. It writes ended sessions while it has budget. Other
 *   changes wait for the heartbeats.
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
 * Returns a time (ms). An expired session ends for all replicas if its last heartbeat arrived by then. If the session moved, the
 * other replica has stored it in the meantime.
 */
export function endedBy(isAlone: boolean, now: number, { ttlMs, endAfterMs }: KvTiming): number {
  return now - (isAlone ? ttlMs : endAfterMs);
}

/**
 * Returns how many own sessions are not stored in their mood. A stored heartbeat from more than a TTL before the last write counts
 * too. It is older than all of that write, so another replica has overwritten it.
 */
function countStarted({ replica, stored, lastWrite, timing }: WriteInput): number {
  const oldest = lastWrite.at - timing.ttlMs;
  let started = 0;
  for (const [id, { mood }] of replica.own.presentSessions) {
    const storedRecord = stored.get(id);
    if (storedRecord?.mood !== mood || storedRecord.lastSeen < oldest) started += 1;
  }
  return started;
}
