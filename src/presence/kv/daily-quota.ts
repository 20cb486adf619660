import { QUOTA_RESET_MARGIN_MS, QUOTA_RETRY_MS } from '../../limits';

const DAY_MS = 86_400_000;

/**
 * Refuses an operation of KV while the free plan's daily limit on it is used up: until the next reset, at midnight UTC. It asks
 * KV again once an hour, since a plan may change.
 *
 * It does not count: the limit holds for the whole account, so only KV knows when it is reached, and says so in an error.
 * https://developers.cloudflare.com/kv/platform/limits/
 */
export class DailyQuota {
  readonly #now: () => number;
  #nextAskAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs the operation, unless KV is known to refuse it. Rejects when it is, and as `operation` does. */
  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    if (this.#now() < this.#nextAskAt) throw new Error('A daily limit of KV is used up.');
    try {
      return await operation();
    } catch (error) {
      const now = this.#now();
      if (/limit exceeded for the day/.test(String(error)))
        this.#nextAskAt = Math.min(nextReset(now), now + QUOTA_RETRY_MS);
      throw error;
    }
  }
}

/** A refusal just after midnight still speaks of the day before. */
function nextReset(now: number): number {
  const day = Math.floor((now - QUOTA_RESET_MARGIN_MS) / DAY_MS);
  return (day + 1) * DAY_MS + QUOTA_RESET_MARGIN_MS;
}
