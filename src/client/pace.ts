import { between } from './between.js';

/** The longest pause after a failure without `Retry-After` (ms). The first one is at most a quarter of an interval. The limit doubles. */
const PAUSE_MAX_MS = 120_000;

/** How long a client waits before its next heartbeat. All times are in ms. */
export interface Pace {
  /** The time between two heartbeats. */
  intervalMs(): number;
  /** The same, by chance up to a tenth longer or shorter: clients that started together drift apart. */
  nextMs(): number;
  /** The rest of a `Retry-After`; below zero without one. */
  retryInMs(): number;
  /** A heartbeat was answered, with the interval that the service asks for. */
  succeed(intervalMs: number | undefined): void;
  /** A heartbeat has failed, with a `Retry-After` or 0. Returns the pause. */
  fail(retryAfterMs: number): number;
  /** Adopts the interval and the `Retry-After` of the leader. */
  follow(intervalMs: number, retryInMs: number): void;
}

/** @param fixedMs The option `intervalMs`: it overrules what the service asks for. */
export function createPace(fixedMs: number | undefined): Pace {
  let intervalMs = fixedMs ?? 10_000;
  let failures = 0;
  /** The end of a `Retry-After`, by `performance.now()`. */
  let retryAt = 0;

  return {
    intervalMs: () => intervalMs,
    nextMs: () => intervalMs * between(0.9, 1.1),
    retryInMs: () => retryAt - performance.now(),
    succeed(asked) {
      failures = 0;
      intervalMs = fixedMs ?? asked ?? intervalMs;
    },
    fail(retryAfterMs) {
      // Never earlier than asked, and not all clients at the same moment.
      if (retryAfterMs) {
        const pauseMs = retryAfterMs * between(1, 1.1);
        retryAt = performance.now() + pauseMs;
        return pauseMs;
      }
      return Math.min(PAUSE_MAX_MS, intervalMs * 2 ** (failures++ - 2)) * between(0.5, 1);
    },
    follow(asked, retryInMs) {
      intervalMs = fixedMs ?? asked;
      retryAt = performance.now() + retryInMs;
    },
  };
}
