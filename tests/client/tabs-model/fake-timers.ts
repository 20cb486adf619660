import type { VirtualClock } from './virtual-clock';

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  cancel: () => void;
}

/** The `setTimeout` and `clearTimeout` of one page or one worker. */
export class FakeTimers {
  readonly #clock: VirtualClock;
  readonly #align: (dueAt: number) => number;
  readonly #timers = new Map<number, Timer>();
  #lastId = 0;
  #isPaused = false;

  /** @param align Returns when a timer that is due at this time runs. It is later while the browser throttles the page. */
  constructor(clock: VirtualClock, align = (dueAt: number) => dueAt) {
    this.#clock = clock;
    this.#align = align;
  }

  /** The delay is a 32-bit integer, as in browsers: https://html.spec.whatwg.org/#timers */
  readonly set = (callback: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): number => {
    this.#lastId += 1;
    const dueAt = this.#clock.now + Math.max(0, delayMs | 0);
    const timer = { dueAt, callback: () => callback(...args), cancel: () => {} };
    this.#timers.set(this.#lastId, timer);
    if (!this.#isPaused) this.#schedule(this.#lastId, timer);
    return this.#lastId;
  };

  readonly clear = (id: number | undefined): void => {
    if (id === undefined) return;
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
  };

  pause(): void {
    this.#isPaused = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** Runs overdue timers at once. Call it also when the throttling of the page changes. */
  resume(): void {
    this.#isPaused = false;
    for (const [id, timer] of this.#timers) {
      timer.cancel();
      this.#schedule(id, timer);
    }
  }

  #schedule(id: number, timer: Timer): void {
    timer.cancel = this.#clock.schedule(this.#align(timer.dueAt) - this.#clock.now, () => {
      this.#timers.delete(id);
      timer.callback();
    });
  }
}
