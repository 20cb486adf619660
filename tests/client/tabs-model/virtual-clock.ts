import TinyQueue from 'tinyqueue';

interface ClockEvent {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * The clock of a modelled browser, in ms since its start. It jumps from event to event. Events of the same time run in the order of
 * scheduling. All promises settle between two events.
 */
export class VirtualClock {
  now = 0;
  /** Runs before and after each event. The state before an event has lasted until `now`. */
  onStep: () => void = () => {};
  #scheduled = 0;
  readonly #events = new TinyQueue<ClockEvent>([], (a, b) => a.at - b.at || a.order - b.order);

  /** Returns a function that cancels the event. */
  schedule(delayMs: number, run: () => void): () => void {
    const event: ClockEvent = { at: this.now + Math.max(0, delayMs), order: this.#scheduled, run };
    this.#scheduled += 1;
    this.#events.push(event);
    return () => {
      event.run = undefined;
    };
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    // Otherwise the clock passes an event that a promise of an action schedules.
    await everyPromiseSettled();
    for (let next = this.#events.peek(); next !== undefined && next.at <= end; next = this.#events.peek()) {
      this.#events.pop();
      if (next.run === undefined) continue;
      this.now = next.at;
      this.onStep();
      next.run();
      await everyPromiseSettled();
      this.onStep();
    }
    this.now = end;
    this.onStep();
  }
}

/** Node runs all microtasks before the next tick. `setImmediate` also polls for I/O each time. */
const everyPromiseSettled = () => new Promise<void>((resolve) => process.nextTick(resolve));
