import { TROUBLE_LOG_INTERVAL_MS } from './limits';

/** Logs a failure, and the error that caused it. Neither holds an id of a session. */
export type Report = (trouble: string, cause?: unknown) => void;

/** Writes at most one line of JSON a minute. `unsaidBefore` is the number of lines that it left out since the last one. */
export class RateLimitedLog {
  readonly #now: () => number;
  readonly #write: (line: string) => void;
  #nextAt = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  constructor(now: () => number, write: (line: string) => void) {
    this.#now = now;
    this.#write = write;
  }

  readonly report: Report = (trouble, cause) => {
    const now = this.#now();
    if (now < this.#nextAt) {
      this.#suppressed += 1;
      return;
    }
    this.#nextAt = now + TROUBLE_LOG_INTERVAL_MS;
    const error = cause === undefined ? undefined : String(cause);
    this.#write(
      JSON.stringify({ level: 'warn', event: 'trouble', trouble, error, unsaidBefore: this.#suppressed }),
    );
    this.#suppressed = 0;
  };
}
