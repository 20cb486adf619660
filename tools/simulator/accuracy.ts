import { mean } from '../mean';
import type { Oracle } from './oracle';

/** How far answers were from the truth. Errors are in % of the true count at the answer. */
export interface AccuracyFigures {
  readonly answers: number;
  /** The mean of signed errors. It is below zero if people are missing. */
  readonly biasPercent: number;
  readonly meanErrorPercent: number;
  readonly p99ErrorPercent: number;
  /** The most people by which an answer was too high. One of them had left at least `tooManySeconds` before. */
  readonly tooMany: number;
  readonly tooManySeconds: number;
  /** The most people by which an answer was too low. One of them was present for at least `missingSeconds`. */
  readonly missing: number;
  readonly missingSeconds: number;
}

/**
 * Measures answers. A count has no names, so the measure assumes the smallest error. For three people too many it takes the three
 * latest ends, for three too few the three latest starts. It measures these times once a second.
 */
export class Accuracy {
  readonly #errors: number[] = [];
  #tooMany = 0;
  #tooManyMs = 0;
  #missing = 0;
  #missingMs = 0;
  #nextLookAt = 0;

  /** @param oracle The truth of the channel of the answer. */
  measure(count: number, truth: number, now: number, oracle: Oracle): void {
    const excess = count - truth;
    this.#errors.push((excess / Math.max(truth, 1)) * 100);
    this.#tooMany = Math.max(this.#tooMany, excess);
    this.#missing = Math.max(this.#missing, -excess);
    if (excess === 0 || now < this.#nextLookAt) return;
    this.#nextLookAt = now + 1_000;
    if (excess > 0) this.#tooManyMs = Math.max(this.#tooManyMs, oracle.endedAgo(now)[excess - 1] ?? 0);
    else this.#missingMs = Math.max(this.#missingMs, oracle.startedAgo(now)[-excess - 1] ?? 0);
  }

  get figures(): AccuracyFigures {
    const sizes = this.#errors.map(Math.abs).sort((a, b) => a - b);
    return {
      answers: sizes.length,
      biasPercent: mean(this.#errors),
      meanErrorPercent: mean(sizes),
      p99ErrorPercent: sizes[Math.floor(sizes.length * 0.99)] ?? 0,
      tooMany: this.#tooMany,
      tooManySeconds: this.#tooManyMs / 1000,
      missing: this.#missing,
      missingSeconds: this.#missingMs / 1000,
    };
  }
}
