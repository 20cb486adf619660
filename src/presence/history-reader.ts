import { HISTORY_INTERVAL_MS, HISTORY_KEPT_MS, HISTORY_WAIT_MAX_MS } from '../limits';
import type { Report } from '../rate-limited-log';
import type { Runtime } from '../runtime';
import { History } from './history';
import type { Defer } from './sync-loop';

/** The room, as far as the history goes. A room of another version may answer anything. */
export interface HistoryStub {
  history(): Promise<unknown>;
}

interface ReaderOptions {
  /** Makes a stub for one call: after a failed call the platform wants a new one. */
  readonly room: () => HistoryStub;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly report: Report;
}

/**
 * The history as one isolate knows it. It asks the room at most once a minute, whatever the number of requests and also after a
 * failure, because each question is billed.
 */
export class HistoryReader {
  readonly #options: ReaderOptions;
  /** The last question. Its promise never settles if the platform ends the request that asked. */
  #question: { readonly askedAt: number; readonly done: Promise<void> } | undefined;
  #answer: { readonly history: History; readonly receivedAt: number } | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** The history of at most one minute ago, or five while the room does not answer; then undefined. Waits at most 5 s. */
  async read(defer: Defer): Promise<History | undefined> {
    const { now, sleep } = this.#options.runtime;
    const question = this.#currentQuestion(now(), defer);
    const waitMs = question.askedAt + HISTORY_WAIT_MAX_MS - now();
    if (waitMs > 0) await Promise.race([question.done, sleep(waitMs)]);
    const answer = this.#answer;
    return answer !== undefined && now() < answer.receivedAt + HISTORY_KEPT_MS ? answer.history : undefined;
  }

  #currentQuestion(now: number, defer: Defer) {
    const last = this.#question;
    // A clock that steps back must not keep an old answer.
    if (last !== undefined && Math.abs(now - last.askedAt) < HISTORY_INTERVAL_MS) return last;
    const question = { askedAt: now, done: this.#ask(now) };
    this.#question = question;
    // Other requests may wait for the answer, so the question must outlive the request that asked.
    defer(question.done);
    return question;
  }

  /** Never rejects. */
  async #ask(askedAt: number): Promise<void> {
    const { room, runtime, report } = this.#options;
    try {
      const history = History.parse(await room().history());
      // Otherwise a late answer to an earlier question replaces a newer one.
      if (this.#question?.askedAt === askedAt) this.#answer = { history, receivedAt: runtime.now() };
    } catch (error) {
      report('the room did not send its history', error);
    }
  }
}
