import { ALONE_WRITE_EARNED_MS, ALONE_WRITES_KEPT_MAX } from '../../limits';

/** Limits the early writes of an isolate that extends its lease, so that the free plan lasts for the day. */
export class EarlyWrites {
  #left = ALONE_WRITES_KEPT_MAX;
  #spentAt = Number.NEGATIVE_INFINITY;

  has(now: number): boolean {
    return this.#leftAt(now) >= 1;
  }

  /** Every write that extends the lease costs one, also a due one. */
  spend(now: number): void {
    this.#left = Math.max(this.#leftAt(now) - 1, 0);
    this.#spentAt = now;
  }

  #leftAt(now: number): number {
    const earned = Math.max(now - this.#spentAt, 0) / ALONE_WRITE_EARNED_MS;
    return Math.min(this.#left + earned, ALONE_WRITES_KEPT_MAX);
  }
}
