import { ALONE_WRITE_EARNED_MS, ALONE_WRITES_KEPT_MAX } from '../../limits';

/** How many writes an isolate that extends its lease may make early, so that the free plan lasts for the day. */
export class EarlyWrites {
  #left = ALONE_WRITES_KEPT_MAX;
  #spentAt = Number.NEGATIVE_INFINITY;

  has(now: number): boolean {
    return this.#leftAt(now) >= 1;
  }

  /** Each write that extends the lease takes one, also a write that was due anyway. */
  spend(now: number): void {
    this.#left = Math.max(this.#leftAt(now) - 1, 0);
    this.#spentAt = now;
  }

  #leftAt(now: number): number {
    const earned = Math.max(now - this.#spentAt, 0) / ALONE_WRITE_EARNED_MS;
    return Math.min(this.#left + earned, ALONE_WRITES_KEPT_MAX);
  }
}
