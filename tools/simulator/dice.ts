import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** The random numbers of a simulated world. All follow from one seed. */
export class Dice {
  readonly #generator: RandomGenerator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** Returns independent dice. One more throw in one part of the world then changes no other part. */
  fork(): Dice {
    return new Dice(uniformInt(this.#generator, -0x80000000, 0x7fffffff));
  }

  /** Returns a number of at least 0 and less than 1. */
  readonly random = (): number => uniformFloat64(this.#generator);

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  /** Returns true with this probability. It takes one throw for any rate, otherwise a rate of 0 shifts all later throws. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Returns the time until the next event, if events happen once in `mean` on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.random()) * mean;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error('The list is empty.');
    return item;
  }

  /** Returns an index, drawn with these weights. */
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
