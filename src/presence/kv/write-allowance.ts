import { ALONE_WRITE_EARNED_MS, ALONE_WRITES_KEPT_MAX } from '../../limits';

/** How many writes an isolate may make early while it rests, so that the free plan carries it through the day. */
export class WriteAllowance {
  #left = ALONE_WRITES_KEPT_MAX;
  #asOf = Number.NEGATIVE_INFINITY;

  isLeft(now: number): boolean {
    this.#earn(now);
    return this.#left >= 1;
  }

  /** Any write of a resting isolate takes from it, also one that is due anyway. */
  spend(now: number): void {
    this.#earn(now);
    this.#left = Math.max(this.#left - 1, 0);
  }

  #earn(now: number): void {
    const earned = Math.max(now - this.#asOf, 0) / ALONE_WRITE_EARNED_MS;
    this.#left = Math.min(this.#left + earned, ALONE_WRITES_KEPT_MAX);
    this.#asOf = now;
  }
}
