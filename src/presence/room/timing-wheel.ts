import { ROOM_EXPIRY_STEP_MS } from '../../limits';

/**
 * Keys by the step in which they may expire. Times are in ms since 1970. A step lasts 250 ms, so a key comes up to one step late,
 * never early. `add` and `delete` cost O(1).
 */
export class TimingWheel {
  readonly #keys = new Map<number, Set<string>>();
  #step: number;

  constructor(now: number) {
    this.#step = Math.floor(now / ROOM_EXPIRY_STEP_MS);
  }

  /** Returns the step of the key. A key that has expired already comes in the next step. */
  add(key: string, expiresAt: number): number {
    const step = Math.max(stepEndOf(expiresAt) / ROOM_EXPIRY_STEP_MS, this.#step + 1);
    const keys = this.#keys.get(step) ?? new Set();
    this.#keys.set(step, keys.add(key));
    return step;
  }

  delete(key: string, step: number): void {
    this.#keys.get(step)?.delete(key);
  }

  /** Removes the keys of all steps until now, and yields each one with the time of its step. Keys that are added meanwhile too. */
  *advance(now: number): Generator<readonly [key: string, at: number]> {
    const last = Math.floor(now / ROOM_EXPIRY_STEP_MS);
    while (this.#step < last) {
      this.#step = this.#nextStep(last);
      const keys = this.#keys.get(this.#step) ?? [];
      this.#keys.delete(this.#step);
      for (const key of keys) yield [key, this.#step * ROOM_EXPIRY_STEP_MS];
    }
  }

  /** It skips empty steps, otherwise an object that was away for a week walks over 2.4 million. */
  #nextStep(last: number): number {
    const { size } = this.#keys;
    // The search for the next step, once for each step, must not cost more than the walk.
    if (size * size >= last - this.#step) return this.#step + 1;
    return Math.min(last, ...this.#keys.keys());
  }
}

/** The end of the step in which a session expires (ms). */
export const stepEndOf = (expiresAt: number) =>
  Math.ceil(expiresAt / ROOM_EXPIRY_STEP_MS) * ROOM_EXPIRY_STEP_MS;
