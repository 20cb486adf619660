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
  /** A heartbeat at another replica counts this long, unless the hub sends a later record. */
  readonly remoteTtlMs: number;
  /** A replica keeps an ended session this long after its last heartbeat, otherwise an older record revives it. */
  readonly tombstoneTtlMs: number;
  /** A sync without an answer fails after this time. */
  readonly abandonMs: number;
  /** Whether a deferred task sends changes if no request follows. Otherwise they wait for the next request. */
  readonly flushes: boolean;
}

/** Times on Workers KV. */
export interface KvTiming extends Timing {
  /** A replica writes its heartbeats this often while other replicas of its location hold sessions. */
  readonly refreshMs: number;
  /** A replica that is alone in its location writes its heartbeats this much later. Its sessions, and its summary, count longer. */
  readonly aloneExtensionMs: number;
  /** A session that expired here is ended for all, unless by then another replica has stored a later heartbeat. */
  readonly endAfterMs: number;
  /** A location's summary counts elsewhere this long, without the extension. By then the next one has arrived. */
  readonly leaseMs: number;
  /** KV may delete a location's key after this time, when nothing in it counts. */
  readonly expirationTtlSeconds: number;
}

/** Derives the times on Workers KV from the TTL and the sync interval, both in ms. */
export function kvTiming(ttlMs: number, syncIntervalMs: number): KvTiming {
  const refreshMs = Math.max(2 * syncIntervalMs, REFRESH_MIN_MS);
  const aloneExtensionMs = Math.max(ALONE_INTERVAL_MS - refreshMs, 0);
  // KV may refuse or overwrite a write, so the replica repeats it. A session in a late write has two thirds of its TTL left.
  const repeatMs = Math.max(2 * syncIntervalMs, 5 * REFUSED_RETRY_MAX_MS) - (2 * ttlMs) / 3;
  // A refresh waits for a sync of its writer, and then for a sync of its reader.
  const graceMs = refreshMs + 2 * syncIntervalMs + Math.ceil(Math.max(repeatMs, 0));
  const remoteTtlMs = ttlMs + graceMs;
  // A session that moved sent its next heartbeat a third of its TTL later.
  const endAfterMs = Math.max(ttlMs, Math.ceil(ttlMs / 3) + graceMs);
  const arrivalMs = KV_PROPAGATION_MS + KV_LIST_CACHE_MS + LIST_INTERVAL_MS;
  // A location with one session syncs only at its heartbeats, three in a TTL. One of them may be lost.
  // Whole ms, otherwise readers ignore the summary.
  const leaseMs = refreshMs + Math.ceil(Math.max(syncIntervalMs, (2 * ttlMs) / 3)) + arrivalMs;
  return {
    ttlMs,
    syncIntervalMs,
    refreshMs,
    aloneExtensionMs,
    endAfterMs,
    remoteTtlMs,
    tombstoneTtlMs: remoteTtlMs + aloneExtensionMs,
    abandonMs: abandonAfter(syncIntervalMs),
    flushes: syncIntervalMs <= KV_FLUSH_INTERVAL_MAX_MS,
    leaseMs,
    expirationTtlSeconds: Math.ceil((Math.max(leaseMs, remoteTtlMs) + aloneExtensionMs) / 1000),
  };
}

/** Derives the times with the room, from the TTL and the sync interval in ms. The room expires sessions, for replicas within two syncs. */
export function roomTiming(ttlMs: number, syncIntervalMs: number): Timing {
  const remoteTtlMs = ttlMs + 2 * syncIntervalMs;
  // The calls of a replica may fail for a TTL. After that it takes a snapshot, and needs no tombstones.
  const tombstoneTtlMs = remoteTtlMs + ttlMs;
  const abandonMs = abandonAfter(syncIntervalMs);
  return { ttlMs, syncIntervalMs, remoteTtlMs, tombstoneTtlMs, abandonMs, flushes: true };
}

const abandonAfter = (syncIntervalMs: number) =>
  Math.min(Math.max(2 * syncIntervalMs, SYNC_ABANDON_MIN_MS), DEFERRED_MAX_MS);
