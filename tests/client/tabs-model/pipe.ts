import type { VirtualClock } from './virtual-clock';

/** Delivers items in the order of sending, each after a random delay. It is a socket, a channel or the way between two processes. */
export class Pipe {
  readonly #clock: VirtualClock;
  readonly #delayMs: () => number;
  #lastAt = 0;

  constructor(clock: VirtualClock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  send(deliver: () => void): void {
    this.#lastAt = Math.max(this.#lastAt, this.#clock.now + this.#delayMs());
    this.#clock.schedule(this.#lastAt - this.#clock.now, deliver);
  }
}
