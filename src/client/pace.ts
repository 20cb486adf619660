import { between } from './between.js';

/**
 * The longest pause after a failure without `Retry-After` (ms). The first pause is at most a quarter of an interval. Each further failure
 * doubles the limit.
 */
const PAUSE_MAX_MS = 120_000;

/** How long a client waits before its next heartbeat. All times are in ms. */
export interface Pace {
  /** The time between two heartbeats. */
  intervalMs(): number;
  /** The interval times a random factor of 0.9 to 1.1. Otherwise clients that start together stay in step. */
  nextMs(): number;
  /** The rest of a `Retry-After`. It is at most zero if none runs. */
  retryInMs(): number;
  /** Call it after an answer, with the interval that the service sends. */
  succeed(intervalMs: number | undefined): void;
  /** Call it after a failed heartbeat, with its `Retry-After` or 0. Returns the pause. */
  fail(retryAfterMs: number): number;
  /** Adopts the interval and the `Retry-After` of the leader. */
  follow(intervalMs: number, retryInMs: number): void;
}

/** @param fixedMs The option `intervalMs`. It replaces the interval of the service. */
export function createPace(fixedMs: number | undefined): Pace {
  let intervalMs = fixedMs ?? 10_000;
  let failures = 0;
  /** The end of a `Retry-After`, by `performance.now()`. */
  let retryAt = 0;

  return {
    intervalMs: () => intervalMs,
    nextMs: () => intervalMs * between(0.9, 1.1),
    retryInMs: () => retryAt - performance.now(),
    succeed(serviceMs) {
      failures = 0;
      intervalMs = fixedMs ?? serviceMs ?? intervalMs;
    },
    fail(retryAfterMs) {
      // Never shorter than the service demands. The random part spreads the clients, otherwise all retry at the same moment.
      if (retryAfterMs) {
        const pauseMs = retryAfterMs * between(1, 1.1);
        retryAt = performance.now() + pauseMs;
        return pauseMs;
      }
      return Math.min(PAUSE_MAX_MS, intervalMs * 2 ** (failures++ - 2)) * between(0.5, 1);
    },
    follow(leaderMs, retryInMs) {
      intervalMs = fixedMs ?? leaderMs;
      retryAt = performance.now() + retryInMs;
    },
  };
}
