import { setTimeout as wait } from 'node:timers/promises';

/** The option of Miniflare that binds both limiters. In one minute, a network may start `sessions` sessions and open `channels` channels. */
export const limiterOf = (sessions = 1_000_000, channels = 1_000_000) => ({
  NEW_SESSIONS: { namespace_id: '1', simple: { limit: sessions, period: 60 as const } },
  NEW_CHANNELS: { namespace_id: '2', simple: { limit: channels, period: 60 as const } },
});

/** Waits for the next minute unless this one lasts for `ms` more. The limiter counts by the minute of the clock. */
export async function untilMinuteLasts(ms: number): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < ms) await wait(leftMs + 100);
}
