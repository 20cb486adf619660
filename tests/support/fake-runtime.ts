import type { Runtime } from '../../src/runtime';

/** 12:00 UTC on January 1, 2026 (ms since 1970). */
export const START = Date.UTC(2026, 0, 1, 12);

/** A runtime with a clock that moves only by `advance`, and with one random number. */
export class FakeRuntime implements Runtime {
  #now: number;
  #randomNumber = 0.5;
  #onTick: (now: number) => void = () => undefined;
  #sleeps: { readonly until: number; readonly end: () => void }[] = [];

  constructor(start = START) {
    this.#now = start;
  }

  readonly now = () => this.#now;
  readonly random = () => this.#randomNumber;
  readonly sleep = (ms: number) =>
    new Promise<void>((end) => {
      this.#sleeps.push({ until: this.#now + ms, end });
    });

  /** Called with the time, now and after each change. A test sets another clock with it. */
  set onTick(onTick: (now: number) => void) {
    this.#onTick = onTick;
    onTick(this.#now);
  }

  /** The result of each later call of `random`. */
  set randomNumber(randomNumber: number) {
    this.#randomNumber = randomNumber;
  }

  /** Moves the clock forward, ends the sleeps that are over, and waits until all promises have settled. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    this.#onTick(this.#now);
    const over = this.#sleeps.filter(({ until }) => until <= this.#now);
    this.#sleeps = this.#sleeps.filter(({ until }) => until > this.#now);
    for (const { end } of over) end();
    await settle();
  }
}

/** Waits until the promises that need no I/O have settled: for 20 turns of the microtask queue. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
