import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';

/** Runs a task at most once per interval. After an interval without a run, `schedule` runs it at once. */
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
    const { intervalMs, runtime, report } = this.#options;
    // A clock that steps back must not lengthen the wait.
    const waitMs = Math.min(this.#lastRunAt + intervalMs - runtime.now(), intervalMs);
    this.#isWaiting = waitMs > 0;
    if (this.#isWaiting) {
      const run = runtime.sleep(waitMs).then(() => this.#run());
      void run.catch((error: unknown) => report('a timer of the room failed', error));
    } else this.#run();
  }

  #run(): void {
    this.#isWaiting = false;
    this.#lastRunAt = this.#options.runtime.now();
    this.#options.task();
  }
}

export interface ThrottleOptions {
  readonly intervalMs: number;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly task: () => void;
  /** When the task last ran before the object restarted (ms). */
  readonly lastRunAt?: number | undefined;
  /** Receives the error of a run after a wait. `schedule` throws the error of an immediate run. */
  readonly report: Report;
}
