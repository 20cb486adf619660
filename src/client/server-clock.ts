/** An estimate of the server's clock. */
export interface ServerClock {
  /** The server's time minus `performance.now()` (ms). */
  readonly offsetMs: number;
  /** The largest error of `offsetMs` (ms). Infinity before the first answer. */
  readonly errorMs: number;
}

export const UNKNOWN: ServerClock = { offsetMs: 0, errorMs: Infinity };

/** The largest error after a correction by a socket message (ms): the longest time that a message travels. */
const MESSAGE_ERROR_MS = 1_000;

/**
 * The estimate after a round trip, as in NTP. The server reads its clock during the trip, so the error is at most half of the trip. The
 * estimate of the fastest trip stays until a trip contradicts it. A contradiction means that the device slept.
 * https://www.rfc-editor.org/rfc/rfc5905#section-8
 *
 * @param timestamp The server's clock (ms since 1970).
 * @param sentAt When the request was sent, by `performance.now()`.
 */
export function observe(clock: ServerClock, timestamp: number, sentAt: number, now: number): ServerClock {
  const errorMs = (now - sentAt) / 2;
  const offsetMs = timestamp - now + errorMs;
  const contradicts = Math.abs(offsetMs - clock.offsetMs) > errorMs + clock.errorMs;
  return errorMs <= clock.errorMs || contradicts ? { offsetMs, errorMs } : clock;
}

/**
 * The estimate after a socket message. A message travels one way, and can be late by any time. So it corrects only an estimate that
 * is behind its timestamp. An estimate falls behind where `performance.now()` stops while the device sleeps.
 */
export function observeMessage(clock: ServerClock, timestamp: number, now: number): ServerClock {
  const offsetMs = timestamp - now;
  return offsetMs > clock.offsetMs + clock.errorMs ? { offsetMs, errorMs: MESSAGE_ERROR_MS } : clock;
}
