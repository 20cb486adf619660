import type { Runtime } from '../../src/runtime';

/** Noon of some day, in ms since 1970. */
export const START = Date.UTC(2026, 0, 1, 12);

/** A runtime whose clock stands still until `advance`, and whose random numbers are always `luck`. */
export class FakeRuntime implements Runtime {
  #now: number;
  #luck = 0.5;
  #onTick: (now: number) => void = () => undefined;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  constructor(start = START) {
    this.#now = start;
  }

  readonly now = () => this.#now;
  readonly random = () => this.#luck;
  readonly sleep = (ms: number) =>
    new Promise<void>((wake) => {
      this.#sleepers.push({ until: this.#now + ms, wake });
    });

  /** Is told of every new time, for clocks that must go with this one. */
  set onTick(onTick: (now: number) => void) {
    this.#onTick = onTick;
    onTick(this.#now);
  }

  set luck(luck: number) {
    this.#luck = luck;
  }

  /** Moves the clock, wakes who has slept long enough, and lets everything that is ready run. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    this.#onTick(this.#now);
    const ready = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of ready) wake();
    await settle();
  }
}

/** Lets every promise that can be settled without I/O settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
