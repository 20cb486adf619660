import TinyQueue from 'tinyqueue';
import { START } from '../../tests/support/fake-runtime';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * The clock and the agenda of a simulated world. The time does not change while code runs, and jumps from event to event. So an
 * hour takes as long as its events do. Events of the same millisecond run in the order of their planning.
 */
export class VirtualTime {
  #now = START;
  #planned = 0;
  readonly #agenda = new TinyQueue<Event>([], (a, b) => a.at - b.at || a.order - b.order);

  /** Whole ms since 1970, like `Date.now()`. */
  get now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): void {
    this.at(this.#now + ms, run);
  }

  at(time: number, run: () => void): void {
    this.#agenda.push({ at: Math.max(Math.round(time), this.#now), order: this.#planned, run });
    this.#planned += 1;
  }

  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => this.after(ms, resolve));

  /** Runs all events until `end`, with those that they plan. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#agenda.peek(); next !== undefined && next.at <= end; next = this.#agenda.peek()) {
      this.#agenda.pop();
      this.#now = next.at;
      next.run();
      await everyPromiseSettled();
    }
    this.#now = end;
  }
}

/**
 * Node runs all microtasks before its next tick. So no work is left at this time of the virtual clock. An immediate would also poll
 * for I/O each time, which took three quarters of a run.
 */
const everyPromiseSettled = () => new Promise<void>((resolve) => process.nextTick(resolve));
