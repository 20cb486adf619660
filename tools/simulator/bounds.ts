import { ALONE_INTERVAL_MS, REFUSED_RETRY_MAX_MS, ROOM_EXPIRY_STEP_MS, SYNC_JITTER } from '../../src/limits';
import type { KvTiming, Timing } from '../../src/presence/timing';
import { type Scenario, settingsOf } from './scenario';
import { ONE_WAY_MS } from './simulated-room';

const KV_PROPAGATION_MS = 60_000;
/** A reordered request arrives late by up to so many ms. */
export const REORDERED_MS = 5_000;

/** How long things may take at most in a world, in ms. What stands here is what docs/accuracy.md promises. */
export interface Bounds {
  /** So old a session's last heartbeat may be where it is still counted: in its own location, and in others. */
  readonly homeGhostMs: number;
  /** The same at home where the writer of the session is still at work; and how long after a write it takes to be read. */
  readonly homeGraceMs: number;
  readonly endReadMs: number;
  readonly awayGhostMs: number;
  /** So long after it came a session is counted, if nothing fails: in its own location, and in others. */
  readonly homeShownMs: number;
  readonly awayShownMs: number;
  /** So much before its TTL is over a session may be missing elsewhere. */
  readonly earlyMs: number;
  /** So long after people stopped coming and going, and things failing, all answers are right. */
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
  // A sync waits for a request, at worst for the next heartbeat of the only person there; and a write may be refused.
  const syncMs = syncIntervalMs * (1 + SYNC_JITTER) + beatSeconds * 1100 + isolates * REFUSED_RETRY_MAX_MS;

  const homeGraceMs = remoteTtlMs + skewsMs(scenario);
  const homeGhostMs = homeGraceMs + aloneExtensionMs;
  const awayGhostMs = homeGhostMs + leaseMs + aloneExtensionMs;
  const homeShownMs = limiterMs + 2 * syncMs + refreshMs + aloneExtensionMs;
  const awayShownMs =
    homeShownMs + KV_PROPAGATION_MS + listCacheSeconds * 1000 + ALONE_INTERVAL_MS + aloneExtensionMs;
  const healMs = hang > 0 || die > 0 ? timing.abandonMs : 0;
  const slowest = locations === 1 ? Math.max(homeShownMs, homeGhostMs) : Math.max(awayShownMs, awayGhostMs);
  const settledMs = arrivedMs(scenario) + healMs + slowest;
  return {
    homeGhostMs,
    homeGraceMs,
    endReadMs: syncMs,
    awayGhostMs,
    homeShownMs,
    awayShownMs,
    earlyMs: 0,
    settledMs,
  };
}

/** In the room all locations are alike. */
function boundsInRoom(scenario: Scenario, { ttlMs, syncIntervalMs, abandonMs }: Timing): Bounds {
  const { fail, hang, die, cutOff, outageMinutes, beatSeconds, slowMs, limiterMs } = scenario;
  const callMs = 2 * ONE_WAY_MS[1] + slowMs;
  // An answer is as of the last sync, and a request that finds it older than one and a half intervals waits for the next.
  const lagMs = 1.5 * syncIntervalMs + callMs;
  // A change is sent at the next sync or the one after it.
  const tellMs = 2 * syncIntervalMs * (1 + SYNC_JITTER) + callMs;
  // The room's last word counts for a TTL.
  const isReached = [fail, hang, die, cutOff, outageMinutes].every((rate) => rate === 0);
  // An isolate drops its sessions in the order in which they counted, so a heartbeat that waited ends as late.
  const lateMs = isReached ? Math.max(lagMs, limiterMs) : ttlMs + callMs;
  const ghostMs = ttlMs + ROOM_EXPIRY_STEP_MS + lateMs + skewsMs(scenario);
  // Clocks that differ may put what comes at once to two isolates in the wrong order, until the next heartbeat.
  const shownMs = limiterMs + tellMs + lagMs + (scenario.skewMs > 0 ? beatSeconds * 1100 : 0);
  const healMs = hang > 0 || die > 0 ? abandonMs : 0;
  const settledMs = arrivedMs(scenario) + healMs + Math.max(ghostMs, shownMs);
  // The room ends sessions by the clock of the replica that heard them: it knows no grace.
  const earlyMs = scenario.skewMs;
  return {
    homeGhostMs: ghostMs,
    homeGraceMs: ghostMs,
    endReadMs: 0,
    awayGhostMs: ghostMs,
    homeShownMs: shownMs,
    awayShownMs: shownMs,
    earlyMs,
    settledMs,
  };
}

/**
 * The longest time between two heartbeats of a session that stays (ms). A tab that hops away and back may send the next one just before
 * the TTL is over: then the session expires elsewhere first.
 */
export const steadyMs = ({ channels, hop, beatSeconds }: Scenario) =>
  channels === 0 || hop === 0 ? Number.POSITIVE_INFINITY : beatSeconds * 1100 + 200;

/** So long after people stopped coming and going their last request has arrived (ms). */
const arrivedMs = ({ reorder }: Scenario) => (reorder > 0 ? REORDERED_MS : 0);

/** Two clocks may differ by twice the skew, and stamps run ahead of them by a few ms. */
const skewsMs = ({ skewMs }: Scenario) => 2 * skewMs + 20;
