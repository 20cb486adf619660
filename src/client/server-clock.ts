/** The server's clock: how far it is ahead of this device's, and how wrong that may be. */
export interface ServerClock {
  readonly offsetMs: number;
  readonly errorMs: number;
}

export const UNKNOWN: ServerClock = { offsetMs: 0, errorMs: Infinity };

/**
 * As NTP does it: the server told its time at some moment of the round trip, so half of that is how wrong one can be, and the
 * fastest round trip knows best. One that contradicts it shows that a clock was set: https://www.rfc-editor.org/rfc/rfc5905#section-8
 */
export function observe(clock: ServerClock, timestamp: number, sentAt: number, now: number): ServerClock {
  const errorMs = (now - sentAt) / 2;
  const offsetMs = timestamp - now + errorMs;
  const contradicts = Math.abs(offsetMs - clock.offsetMs) > errorMs + clock.errorMs;
  return errorMs <= clock.errorMs || contradicts ? { offsetMs, errorMs } : clock;
}
