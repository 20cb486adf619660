/** An estimate of the server's clock. */
export interface ServerClock {
  /** The server's time minus `performance.now()` (ms). */
  readonly offsetMs: number;
  /** The largest error of `offsetMs` (ms). Infinity: nothing is known. */
  readonly errorMs: number;
}

export const UNKNOWN: ServerClock = { offsetMs: 0, errorMs: Infinity };

/** The largest error after a correction by a socket message (ms): the longest way of a message. */
const MESSAGE_ERROR_MS = 1_000;

/**
 * The estimate after a round trip, as in NTP. The server read its clock at some moment of the trip, so the error is at most half of
 * the trip. The estimate of the fastest trip stays, until a trip contradicts it: then the device slept.
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
 * The estimate after a socket message. A message has only one way, and can be late by any time. So it corrects only an estimate that
 * is behind: no message comes from the future. That happens where `performance.now()` stops while the device sleeps.
 */
export function observeMessage(clock: ServerClock, timestamp: number, now: number): ServerClock {
  const offsetMs = timestamp - now;
  return offsetMs > clock.offsetMs + clock.errorMs ? { offsetMs, errorMs: MESSAGE_ERROR_MS } : clock;
}
