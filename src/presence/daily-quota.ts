import { QUOTA_RESET_SPARE_MS } from '../limits';

const DAY_MS = 86_400_000;

/**
 * Keeps an operation of KV from being asked for while the free plan's daily limit on it is used up: until midnight UTC.
 *
 * It does not count: the limit holds for the whole account, so only KV knows when it is reached, and says so in an error.
 * https://developers.cloudflare.com/kv/platform/limits/
 */
export class DailyQuota {
  readonly #now: () => number;
  #usedUpUntil = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Does it, unless it is known to be refused. Rejects when it is, and as `operation` does. */
  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    if (this.#now() < this.#usedUpUntil) throw new Error('Used up until midnight UTC: a daily limit of KV.');
    try {
      return await operation();
    } catch (error) {
      if (/limit exceeded for the day/.test(String(error))) {
        this.#usedUpUntil = Math.ceil(this.#now() / DAY_MS) * DAY_MS + QUOTA_RESET_SPARE_MS;
      }
      throw error;
    }
  }
}
