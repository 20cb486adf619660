import {
  type KvTiming,
  LIST_INTERVAL_MS,
  REFUSED_RETRY_MAX_MS,
  SYNC_ABANDON_MS,
  SYNC_JITTER,
} from '../../src/config';
import type { Scenario } from './scenario';

const KV_PROPAGATION_MS = 60_000;

/** How long things may take at most in a world, in ms. What stands here is what docs/accuracy.md promises. */
export interface Bounds {
  /** So old a session's last heartbeat may be where it is still counted: in its own location, and in others. */
  readonly homeGhostMs: number;
  readonly awayGhostMs: number;
  /** So long after it came a session is counted, if nothing fails: in its own location, and in others. */
  readonly homeShownMs: number;
  readonly awayShownMs: number;
  /** So long after people stopped coming and going, and things failing, all answers are right. */
  readonly settledMs: number;
}

export function boundsOf(scenario: Scenario, timing: KvTiming): Bounds {
  const { skewMs, locations, isolates, beatSeconds, listCacheSeconds, hang } = scenario;
  const { syncIntervalMs, refreshMs, keepMs, restMs, leaseMs } = timing;
  // Two clocks may differ by twice the skew, and stamps run ahead of them by a few ms.
  const skewsMs = 2 * skewMs + 20;
  // A sync waits for a request, at worst for the next heartbeat of the only person there; and a write may be refused.
  const syncMs = syncIntervalMs * (1 + SYNC_JITTER) + beatSeconds * 1100 + isolates * REFUSED_RETRY_MAX_MS;

  const homeGhostMs = keepMs + restMs + skewsMs;
  const awayGhostMs = homeGhostMs + leaseMs + restMs;
  const homeShownMs = 2 * syncMs + refreshMs + restMs;
  const awayShownMs = homeShownMs + KV_PROPAGATION_MS + listCacheSeconds * 1000 + LIST_INTERVAL_MS + restMs;
  const healMs = hang > 0 ? SYNC_ABANDON_MS : 0;
  const slowest = locations === 1 ? Math.max(homeShownMs, homeGhostMs) : Math.max(awayShownMs, awayGhostMs);
  return { homeGhostMs, awayGhostMs, homeShownMs, awayShownMs, settledMs: healMs + slowest };
}
