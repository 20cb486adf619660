import { setTimeout as wait } from 'node:timers/promises';

/** Miniflare's option that binds the limiter of new sessions. One network may bring `limit` new sessions in a minute. */
export const limiterOf = (limit = 1_000_000) => ({
  NEW_SESSIONS: { namespace_id: '1', simple: { limit, period: 60 as const } },
});

/** The limiter counts by the minute of the clock. Waits for the next minute unless this one lasts for `ms` more. */
export async function untilMinuteLasts(ms: number): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < ms) await wait(leftMs + 100);
}
