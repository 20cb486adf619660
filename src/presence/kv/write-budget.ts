import { WRITE_EARNED_MS, WRITES_KEPT_MAX } from '../../limits';

/** Limits the early writes of a replica that holds all of a few sessions. So the free plan's writes last a day. */
export class WriteBudget {
  #left = WRITES_KEPT_MAX;
  #spentAt = Number.NEGATIVE_INFINITY;

  has(writes: number, now: number): boolean {
    return this.#leftAt(now) >= writes;
  }

  /** Subtracts writes of a replica that is alone. A refresh needs no budget, and is subtracted too. */
  spend(writes: number, now: number): void {
    this.#left = Math.max(this.#leftAt(now) - writes, 0);
    this.#spentAt = now;
  }

  #leftAt(now: number): number {
    const earned = Math.max(now - this.#spentAt, 0) / WRITE_EARNED_MS;
    return Math.min(this.#left + earned, WRITES_KEPT_MAX);
  }
}
