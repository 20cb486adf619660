import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** All chance in a simulated world comes from here, and so from one seed. */
export class Dice {
  readonly #generator: RandomGenerator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** Dice of their own, so that one more throw in one part of the world changes no other part. */
  fork(): Dice {
    return new Dice(uniformInt(this.#generator, -0x80000000, 0x7fffffff));
  }

  /** From 0 up to 1. */
  readonly random = (): number => uniformFloat64(this.#generator);

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  /** Whether something of this probability happens. Always one throw, so rates don't shift what follows. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** How long until something happens that happens once in `mean` on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.random()) * mean;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error('Nothing to pick from.');
    return item;
  }

  /** An index, drawn with these weights. */
  weighted(weights: readonly number[]): number {
    let left = this.random() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [index, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return index;
    }
    return weights.length - 1;
  }

  uuid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.random() * 16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
