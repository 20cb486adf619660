import type { Runtime } from '../../runtime';

interface ThrottleOptions {
  readonly intervalMs: number;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  /** Must not throw: after a wait nothing catches its error. */
  readonly task: () => void;
  /** When the task last ran in an earlier life of the object (ms). */
  readonly lastRunAt?: number | undefined;
}

/** Runs a task at most once per interval. The first run after a quiet interval comes at once, inside `schedule`. */
export class Throttle {
  readonly #options: ThrottleOptions;
  #lastRunAt: number;
  #isWaiting = false;

  constructor(options: ThrottleOptions) {
    this.#options = options;
    this.#lastRunAt = options.lastRunAt ?? Number.NEGATIVE_INFINITY;
  }

  /** Runs the task now, or when the interval since its last run is over. Calls during the wait share one run. */
  schedule(): void {
    if (this.#isWaiting) return;
    const { intervalMs, runtime } = this.#options;
    // A clock that steps back must not lengthen the wait.
    const waitMs = Math.min(this.#lastRunAt + intervalMs - runtime.now(), intervalMs);
    this.#isWaiting = waitMs > 0;
    if (this.#isWaiting) void runtime.sleep(waitMs).then(() => this.#run());
    else this.#run();
  }

  #run(): void {
    this.#isWaiting = false;
    this.#lastRunAt = this.#options.runtime.now();
    this.#options.task();
  }
}
