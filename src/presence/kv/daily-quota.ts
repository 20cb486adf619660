import { QUOTA_RESET_MARGIN_MS, QUOTA_RETRY_MS } from '../../limits';

const DAY_MS = 86_400_000;

/**
 * Refuses an operation of KV while the free plan's daily limit on it is used up. The limit is reset at midnight UTC. Before that
 * it tries KV once an hour, because the plan may change.
 *
 * It counts no operations, because the whole account shares the limit. An error of KV shows that the limit is used up.
 * https://developers.cloudflare.com/kv/platform/limits/
 */
export class DailyQuota {
  readonly #now: () => number;
  #nextTryAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs the operation. Rejects while the limit is used up, and if `operation` rejects. */
  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    if (this.#now() < this.#nextTryAt) throw new Error('A daily limit of KV is used up.');
    try {
      return await operation();
    } catch (error) {
      const now = this.#now();
      if (/limit exceeded for the day/.test(String(error)))
        this.#nextTryAt = Math.min(nextReset(now), now + QUOTA_RETRY_MS);
      throw error;
    }
  }
}

/** A refusal just after midnight may belong to the day before. */
function nextReset(now: number): number {
  const day = Math.floor((now - QUOTA_RESET_MARGIN_MS) / DAY_MS);
  return (day + 1) * DAY_MS + QUOTA_RESET_MARGIN_MS;
}
