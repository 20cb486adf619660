import { ALONE_INTERVAL_MS, REFUSED_RETRY_MAX_MS, ROOM_EXPIRY_STEP_MS, SYNC_JITTER } from '../../src/limits';
import type { KvTiming, Timing } from '../../src/presence/timing';
import { type Scenario, settingsOf } from './scenario';
import { ONE_WAY_MS } from './simulated-room';

const KV_PROPAGATION_MS = 60_000;
/** A reordered request arrives at most this much later. */
export const REORDERED_MS = 5_000;

/** The longest times that a world allows (ms). docs/accuracy.md promises them. */
export interface Bounds {
  /** The location of a session may count it this long after its last heartbeat. */
  readonly homeCountedMs: number;
  /** The same while the isolate that served its last heartbeat runs. */
  readonly homeGraceMs: number;
  /** Other isolates read the end of a session this long after that isolate could write it. */
  readonly endReadMs: number;
  /** Other locations may count a session this long after its last heartbeat. */
  readonly awayCountedMs: number;
  /** If nothing fails, the location of a session counts it this long after its start. */
  readonly homeShownMs: number;
  /** If nothing fails, other locations count a session this long after its start. */
  readonly awayShownMs: number;
  /** Other isolates may expire a session this much before the end of its TTL. */
  readonly earlyMs: number;
  /** This long after the last start, end and failure all answers are right. */
  readonly settledMs: number;
}

export function boundsOf(scenario: Scenario): Bounds {
  const settings = settingsOf(scenario);
  return settings.hub === 'kv'
    ? boundsOnKv(scenario, settings.timing)
    : boundsInRoom(scenario, settings.timing);
}

function boundsOnKv(scenario: Scenario, timing: KvTiming): Bounds {
  const { locations, isolates, beatSeconds, listCacheSeconds, limiterMs, hang, die } = scenario;
  const { syncIntervalMs, refreshMs, remoteTtlMs, aloneExtensionMs, leaseMs } = timing;
  // A sync waits for a request, at worst for the next heartbeat of the only session. KV may also refuse its write.
  const syncMs = syncIntervalMs * (1 + SYNC_JITTER) + beatSeconds * 1100 + isolates * REFUSED_RETRY_MAX_MS;

  const homeGraceMs = remoteTtlMs + skewsMs(scenario);
  const homeCountedMs = homeGraceMs + aloneExtensionMs;
  const awayCountedMs = homeCountedMs + leaseMs + aloneExtensionMs;
  const homeShownMs = limiterMs + 2 * syncMs + refreshMs + aloneExtensionMs;
  const awayShownMs =
    homeShownMs + KV_PROPAGATION_MS + listCacheSeconds * 1000 + ALONE_INTERVAL_MS + aloneExtensionMs;
  const healMs = hang > 0 || die > 0 ? timing.abandonMs : 0;
  const slowest =
    locations === 1 ? Math.max(homeShownMs, homeCountedMs) : Math.max(awayShownMs, awayCountedMs);
  const settledMs = arrivedMs(scenario) + healMs + slowest;
  return {
    homeCountedMs,
    homeGraceMs,
    endReadMs: syncMs,
    awayCountedMs,
    homeShownMs,
    awayShownMs,
    earlyMs: 0,
    settledMs,
  };
}

/** With the room all locations have the same bounds. */
function boundsInRoom(scenario: Scenario, { ttlMs, syncIntervalMs, abandonMs }: Timing): Bounds {
  const { fail, hang, die, cutOff, outageMinutes, beatSeconds, slowMs, limiterMs } = scenario;
  const callMs = 2 * ONE_WAY_MS[1] + slowMs;
  // An answer has the state of the last sync. If that is older than 1.5 intervals, the request waits for the next sync.
  const lagMs = 1.5 * syncIntervalMs + callMs;
  // A change is sent at the next sync or the one after it.
  const sendMs = 2 * syncIntervalMs * (1 + SYNC_JITTER) + callMs;
  // The last answer of an unreachable room counts for a TTL.
  const isAlwaysReached = [fail, hang, die, cutOff, outageMinutes].every((rate) => rate === 0);
  // An isolate drops its sessions in the order in which they counted, so a heartbeat that waited expires later.
  const lateMs = isAlwaysReached ? Math.max(lagMs, limiterMs) : ttlMs + callMs;
  const countedMs = ttlMs + ROOM_EXPIRY_STEP_MS + lateMs + skewsMs(scenario);
  // Different clocks may reorder simultaneous messages to two isolates, until the next heartbeat.
  const shownMs = limiterMs + sendMs + lagMs + (scenario.skewMs > 0 ? beatSeconds * 1100 : 0);
  const healMs = hang > 0 || die > 0 ? abandonMs : 0;
  const settledMs = arrivedMs(scenario) + healMs + Math.max(countedMs, shownMs);
  // The room expires a session by the clock of the replica that served it, without a grace.
  const earlyMs = scenario.skewMs;
  return {
    homeCountedMs: countedMs,
    homeGraceMs: countedMs,
    endReadMs: 0,
    awayCountedMs: countedMs,
    homeShownMs: shownMs,
    awayShownMs: shownMs,
    earlyMs,
    settledMs,
  };
}

/**
 * The longest time between two heartbeats of a session that stays in its channel (ms). A tab that changes its channel twice may send the
 * next one just before the end of the TTL. Then the session expires elsewhere first.
 */
export const steadyMs = ({ channels, hop, beatSeconds }: Scenario) =>
  channels === 0 || hop === 0 ? Number.POSITIVE_INFINITY : beatSeconds * 1100 + 200;

/** The last request arrives this long after its client sent it (ms). */
const arrivedMs = ({ reorder }: Scenario) => (reorder > 0 ? REORDERED_MS : 0);

/** Two clocks may differ by twice the skew, and stamps run ahead of them by a few ms. */
const skewsMs = ({ skewMs }: Scenario) => 2 * skewMs + 20;
