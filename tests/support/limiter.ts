import { setTimeout as wait } from 'node:timers/promises';

/** Miniflare's option that binds both limiters. In a minute, one network may start `sessions`, and open `channels`. */
export const limiterOf = (sessions = 1_000_000, channels = 1_000_000) => ({
  NEW_SESSIONS: { namespace_id: '1', simple: { limit: sessions, period: 60 as const } },
  NEW_CHANNELS: { namespace_id: '2', simple: { limit: channels, period: 60 as const } },
});

/** The limiter counts by the minute of the clock. Waits for the next minute unless this one lasts for `ms` more. */
export async function untilMinuteLasts(ms: number): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < ms) await wait(leftMs + 100);
}
