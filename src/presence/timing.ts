import {
  ALONE_INTERVAL_MS,
  DEFERRED_MAX_MS,
  KV_FLUSH_INTERVAL_MAX_MS,
  LIST_INTERVAL_MS,
  REFRESH_MIN_MS,
  REFUSED_RETRY_MAX_MS,
  SYNC_ABANDON_MIN_MS,
} from '../limits';

/** Time until a KV write is seen everywhere, by the documentation: "up to 60 seconds or more". */
const KV_PROPAGATION_MS = 60_000;

/** A list may be so old already when KV gives it: the same documentation. */
const KV_LIST_CACHE_MS = 60_000;

/** The times that the rules of presence run on, whatever the hub. */
export interface Timing {
  /** A session ends this long after its last heartbeat. */
  readonly ttlMs: number;
  /** Mean time between two syncs of a replica. */
  readonly syncIntervalMs: number;
  /** TTL + grace: a heartbeat that another replica heard counts for so long, and longer only if that one rests. */
  readonly remoteTtlMs: number;
  /** How long after its last heartbeat a session that is over is remembered, so that no old word revives it. */
  readonly tombstoneTtlMs: number;
  /** A sync that is silent for so long has failed. */
  readonly abandonMs: number;
  /** Whether a change is sent by a deferred task if no request follows. Otherwise it waits for the next request. */
  readonly flushes: boolean;
}

/** And on Workers KV. */
export interface KvTiming extends Timing {
  /** When nothing changes, a replica tells the others of its heartbeats this often. */
  readonly refreshMs: number;
  /** For so much longer a replica that is alone in the world may rest between two refreshes. */
  readonly leaseExtensionMs: number;
  /** How long what a location says of itself counts elsewhere, if it does not rest: until its next word has surely arrived. */
  readonly leaseMs: number;
  /** When KV may delete a location's key. It only cleans up; the rules above decide who counts. */
  readonly expirationTtlSeconds: number;
}

/** Derives the times on Workers KV from the TTL and the sync interval, both in ms. */
export function kvTiming(ttlMs: number, syncIntervalMs: number): KvTiming {
  const refreshMs = Math.max(2 * syncIntervalMs, REFRESH_MIN_MS);
  // A refresh waits for a sync of its writer, and its reader for one of its own.
  const onTimeMs = refreshMs + 2 * syncIntervalMs;
  // A write may be refused or overwritten, and comes again. A session has two thirds of its TTL left when it is written late.
  const againMs = Math.max(2 * syncIntervalMs, 3 * REFUSED_RETRY_MAX_MS) - (2 * ttlMs) / 3;
  const graceMs = onTimeMs + Math.ceil(Math.max(againMs, 0));
  const remoteTtlMs = ttlMs + graceMs;
  const arrivalMs = KV_PROPAGATION_MS + KV_LIST_CACHE_MS + LIST_INTERVAL_MS;
  // The location of a single session syncs only at its heartbeats, three in a TTL, and one of them may be lost.
  // A summary holds whole ms only: readers ignore any other.
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
    abandonMs: abandonMs(syncIntervalMs),
    flushes: syncIntervalMs <= KV_FLUSH_INTERVAL_MAX_MS,
    leaseMs,
    expirationTtlSeconds,
  };
}

/** The same for the room: it ends sessions by itself, and its word is heard at the next sync, or the one after that. */
export function roomTiming(ttlMs: number, syncIntervalMs: number): Timing {
  const remoteTtlMs = ttlMs + 2 * syncIntervalMs;
  // A replica whose calls fail asks later what became of a session. After a TTL without an answer it starts anew.
  const tombstoneTtlMs = remoteTtlMs + ttlMs;
  return {
    ttlMs,
    syncIntervalMs,
    remoteTtlMs,
    tombstoneTtlMs,
    abandonMs: abandonMs(syncIntervalMs),
    flushes: true,
  };
}

const abandonMs = (syncIntervalMs: number) =>
  Math.min(Math.max(2 * syncIntervalMs, SYNC_ABANDON_MIN_MS), DEFERRED_MAX_MS);
