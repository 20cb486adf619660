import {
  ALONE_INTERVAL_MS,
  DEFERRED_MAX_MS,
  KV_FLUSH_INTERVAL_MAX_MS,
  KV_LIST_CACHE_MS,
  KV_PROPAGATION_MS,
  LIST_INTERVAL_MS,
  REFRESH_MIN_MS,
  REFUSED_RETRY_MAX_MS,
  SYNC_ABANDON_MIN_MS,
} from '../limits';

/** Times that every hub needs. */
export interface Timing {
  /** A session expires this long after its last heartbeat. */
  readonly ttlMs: number;
  /** Mean time between two syncs of a replica. */
  readonly syncIntervalMs: number;
  /** TTL and grace: a heartbeat at another replica counts this long, and longer only if that one extends its lease. */
  readonly remoteTtlMs: number;
  /** An ended session is remembered this long after its last heartbeat, otherwise an older record revives it. */
  readonly tombstoneTtlMs: number;
  /** A sync without an answer fails after this time. */
  readonly abandonMs: number;
  /** Whether a deferred task sends changes if no request follows. Otherwise they wait for the next request. */
  readonly flushes: boolean;
}

/** Times on Workers KV. */
export interface KvTiming extends Timing {
  /** A replica without changes writes its heartbeats this often. */
  readonly refreshMs: number;
  /** A replica with few sessions and without other replicas may write this much later. */
  readonly leaseExtensionMs: number;
  /** A location's summary counts elsewhere this long, without an extension. By then the next one has arrived. */
  readonly leaseMs: number;
  /** KV may delete a location's key after this time, when nothing in it counts. */
  readonly expirationTtlSeconds: number;
}

/** Derives the times on Workers KV from the TTL and the sync interval, both in ms. */
export function kvTiming(ttlMs: number, syncIntervalMs: number): KvTiming {
  const refreshMs = Math.max(2 * syncIntervalMs, REFRESH_MIN_MS);
  // A refresh waits for a sync of its writer, and then for a sync of its reader.
  const onTimeMs = refreshMs + 2 * syncIntervalMs;
  // KV may refuse or overwrite a write, which is then repeated. A session in a late write has two thirds of its TTL left.
  const againMs = Math.max(2 * syncIntervalMs, 3 * REFUSED_RETRY_MAX_MS) - (2 * ttlMs) / 3;
  const graceMs = onTimeMs + Math.ceil(Math.max(againMs, 0));
  const remoteTtlMs = ttlMs + graceMs;
  const arrivalMs = KV_PROPAGATION_MS + KV_LIST_CACHE_MS + LIST_INTERVAL_MS;
  // A location with one session syncs only at its heartbeats, three in a TTL, and one of them may be lost.
  // Whole ms, otherwise readers ignore the summary.
  const leaseMs = refreshMs + Math.ceil(Math.max(syncIntervalMs, (2 * ttlMs) / 3)) + arrivalMs;
  const leaseExtensionMs = Math.max(ALONE_INTERVAL_MS - refreshMs, 0);
  const expirationTtlSeconds = Math.ceil((Math.max(leaseMs, remoteTtlMs) + leaseExtensionMs) / 1000);
  return {
    ttlMs,
    syncIntervalMs,
    refreshMs,
    leaseExtensionMs,
    remoteTtlMs,
    tombstoneTtlMs: remoteTtlMs + leaseExtensionMs,
    abandonMs: abandonAfter(syncIntervalMs),
    flushes: syncIntervalMs <= KV_FLUSH_INTERVAL_MAX_MS,
    leaseMs,
    expirationTtlSeconds,
  };
}

/** Derives the times with the room. It expires sessions itself; a replica learns of that within two syncs. */
export function roomTiming(ttlMs: number, syncIntervalMs: number): Timing {
  const remoteTtlMs = ttlMs + 2 * syncIntervalMs;
  // The calls of a replica may fail for a TTL. After that it takes a snapshot, and needs no tombstones.
  const tombstoneTtlMs = remoteTtlMs + ttlMs;
  const abandonMs = abandonAfter(syncIntervalMs);
  return { ttlMs, syncIntervalMs, remoteTtlMs, tombstoneTtlMs, abandonMs, flushes: true };
}

const abandonAfter = (syncIntervalMs: number) =>
  Math.min(Math.max(2 * syncIntervalMs, SYNC_ABANDON_MIN_MS), DEFERRED_MAX_MS);
