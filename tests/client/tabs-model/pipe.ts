import type { VirtualClock } from './virtual-clock';

/** Delivers in order, each item after a random delay: a socket, a channel, or messages between two processes. */
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
