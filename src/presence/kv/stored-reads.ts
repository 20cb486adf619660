import type { RosterEntry } from '../roster';
import { overrules } from '../session';
import type { StoredRecords } from '../stored-sessions';
import type { KvTiming } from '../timing';
import { isLeaseExtended, type LocationSummary } from './location-summaries';

/**
 * Joins each read of a location's key with the remote sessions. KV may return an older value than before; the newer records
 * stay, and the next write must not lose them.
 *
 * A stored session counts for `remoteTtlMs`. An extended lease adds `leaseExtensionMs`. A later write can end the extension.
 */
export class StoredReads {
  readonly #timing: KvTiming;
  /** When the latest value that was read had been written (ms). */
  #latestWrittenAt = Number.NEGATIVE_INFINITY;

  constructor(timing: KvTiming) {
    this.#timing = timing;
  }

  /** The sessions that count at `now`, each with its expiry. `known` are the remote sessions as of the read before. */
  join(
    stored: StoredRecords,
    summary: LocationSummary | undefined,
    known: Iterable<readonly [string, RosterEntry]>,
    now: number,
  ): ReadonlyMap<string, RosterEntry> {
    const { remoteTtlMs, leaseExtensionMs } = this.#timing;
    const ofAll = this.#isExtendedForAll(summary);
    const joined = new Map<string, RosterEntry>();
    for (const [id, { mood, lastSeen, rests }] of stored) {
      const expiresAt = lastSeen + remoteTtlMs + (rests || ofAll ? leaseExtensionMs : 0);
      if (expiresAt > now) joined.set(id, { mood, lastSeen, expiresAt });
    }
    const isLaterWrite = summary !== undefined && summary.at >= this.#latestWrittenAt;
    if (isLaterWrite) this.#latestWrittenAt = summary.at;
    for (const [id, entry] of known) {
      // A later write without the extension has ended it.
      const expiresAt = isLaterWrite ? entry.lastSeen + remoteTtlMs : entry.expiresAt;
      if (expiresAt > now && isMore({ ...entry, expiresAt }, joined.get(id)))
        joined.set(id, { ...entry, expiresAt });
    }
    return joined;
  }

  /** Version 1.0 says in the summary only that all sessions of the value are extended. */
  #isExtendedForAll(summary: LocationSummary | undefined): boolean {
    return summary !== undefined && summary.marksRest === undefined && isLeaseExtended(summary, this.#timing);
  }
}

/** Whether a known record is newer than the one that was read, or is the same and counts for longer. */
function isMore(known: RosterEntry, read: RosterEntry | undefined): boolean {
  if (read === undefined || overrules(known, read)) return true;
  return read.lastSeen === known.lastSeen && known.expiresAt > read.expiresAt;
}
