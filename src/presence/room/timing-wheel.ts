import { ROOM_EXPIRY_STEP_MS } from '../../limits';

/**
 * Keys by the step in which they may expire. Times are in ms since 1970. A step lasts 250 ms, so `advance` yields a key up to one step
 * late, never early. `add` and `delete` cost O(1).
 */
export class TimingWheel {
  readonly #keys = new Map<number, Set<string>>();
  #step: number;

  constructor(now: number) {
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** Adds a key, and returns its step. A key that has expired already gets the next step. */
  add(key: string, expiresAt: number): number {
    const step = Math.max(stepEndOf(expiresAt) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const keys = this.#keys.get(step) ?? new Set();
    this.#keys.set(step, keys.add(key));
    return step;
  }

  delete(key: string, step: number): void {
    this.#keys.get(step)?.delete(key);
  }

  /** Removes the keys of all steps until now, and yields each with the time of its step. Keys that are added in between are included. */
  *advance(now: number): Generator<readonly [key: string, at: number]> {
    const last = Math.floor(now / ROOM_EXPIRY_STEP_MS);
    while (this.#step < last) {
      this.#step = this.#nextStep(last);
      const keys = this.#keys.get(this.#step) ?? [];
      this.#keys.delete(this.#step);
      for (const key of keys) yield [key, this.#step * ROOM_EXPIRY_STEP_MS];
    }
  }

  /** Skips empty steps, otherwise an object that did not run for a week walks over 2.4 million. */
  #nextStep(last: number): number {
    const { size } = this.#keys;
    // A search for the next step takes `size` operations, and there are up to `size` searches. Then the walk may cost less.
    if (size * size >= last - this.#step) return this.#step + 1;
    return Math.min(last, ...this.#keys.keys());
  }
}

/** The end of the step in which a session expires (ms). */
export const stepEndOf = (expiresAt: number) =>
  Math.ceil(expiresAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
