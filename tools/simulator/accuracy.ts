import { mean } from '../mean';
import type { Oracle } from './oracle';

/** How far answers were from the truth. Shares are in % of the true count at the answer. */
export interface AccuracyFigures {
  readonly answers: number;
  /** Mean error: below zero if people are missing. */
  readonly biasPercent: number;
  readonly meanErrorPercent: number;
  readonly p99ErrorPercent: number;
  /** The most people by which one answer was too high, and how long the oldest of them had been gone, at least (s). */
  readonly ghosts: number;
  readonly ghostSeconds: number;
  /** The most people by which one answer was too low, and how long the first of them had been here, at least (s). */
  readonly missing: number;
  readonly missingSeconds: number;
}

/**
 * Measures answers. Counts name nobody, so who is wrong in them is read in their favour: of 3 too many those are the ghosts
 * that left last, of 3 too few those are missing that came last. These two are looked at once a second.
 */
export class Accuracy {
  readonly #errors: number[] = [];
  #ghosts = 0;
  #ghostMs = 0;
  #missing = 0;
  #missingMs = 0;
  #nextLookAt = 0;

  /** @param oracle The truth of the channel of the answer. */
  measure(count: number, truth: number, now: number, oracle: Oracle): void {
    const excess = count - truth;
    this.#errors.push((excess / Math.max(truth, 1)) * 100);
    this.#ghosts = Math.max(this.#ghosts, excess);
    this.#missing = Math.max(this.#missing, -excess);
    if (excess === 0 || now < this.#nextLookAt) return;
    this.#nextLookAt = now + 1_000;
    if (excess > 0) this.#ghostMs = Math.max(this.#ghostMs, oracle.endedAgo(now)[excess - 1] ?? 0);
    else this.#missingMs = Math.max(this.#missingMs, oracle.begunAgo(now)[-excess - 1] ?? 0);
  }

  get figures(): AccuracyFigures {
    const sizes = this.#errors.map(Math.abs).sort((a, b) => a - b);
    return {
      answers: sizes.length,
      biasPercent: mean(this.#errors),
      meanErrorPercent: mean(sizes),
      p99ErrorPercent: sizes[Math.floor(sizes.length * 0.99)] ?? 0,
      ghosts: this.#ghosts,
      ghostSeconds: this.#ghostMs / 1000,
      missing: this.#missing,
      missingSeconds: this.#missingMs / 1000,
    };
  }
}
