import { UNMATCHED_LEAVES_MAX } from '../limits';
import { setLatest } from './set-latest';

/**
 * The leaves for sessions that a replica does not know, and their times (ms). If a merge brings such a session later, the leave ends
 * it. The hub never gets these keys, and only the latest are kept: a client can make up any number of them.
 */
export class UnmatchedLeaves {
  readonly #ttlMs: number;
  readonly #leftAt = new Map<string, number>();

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  add(key: string, now: number): void {
    setLatest(this.#leftAt, key, now, UNMATCHED_LEAVES_MAX);
  }

  get(key: string): number | undefined {
    return this.#leftAt.get(key);
  }

  delete(key: string): void {
    this.#leftAt.delete(key);
  }

  /** O(1), amortised. Each heartbeat calls it, and an iterator of an empty map takes time. */
  expire(now: number): void {
    if (this.#leftAt.size === 0) return;
    for (const [key, leftAt] of this.#leftAt) {
      if (leftAt > now - this.#ttlMs) break;
      this.#leftAt.delete(key);
    }
  }
}
