import { HISTORY_INTERVAL_MS, HISTORY_KEPT_MS, HISTORY_WAIT_MAX_MS } from '../limits';
import type { Report } from '../rate-limited-log';
import type { Runtime } from '../runtime';
import { History } from './history';
import type { Defer } from './sync-loop';

/** The part of the room that returns the history. The type is unknown, because a room of another version may return anything. */
export interface HistoryStub {
  history(): Promise<unknown>;
}

interface ReaderOptions {
  /** Makes a stub for one call, because the platform requires a new one after a failed call. */
  readonly room: () => HistoryStub;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly report: Report;
}

/**
 * The history as one isolate knows it. It calls the room at most once a minute, for any number of requests and also after a failure.
 * Each call is billed.
 */
export class HistoryReader {
  readonly #options: ReaderOptions;
  /** The last call to the room. Its promise never settles if the platform ends the request that made it. */
  #lastCall: { readonly startedAt: number; readonly done: Promise<void> } | undefined;
  #answer: { readonly history: History; readonly receivedAt: number } | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /**
   * Returns a history that is at most one minute old, or at most five while the room does not answer. Returns undefined if there is
   * none. Waits at most 5 s.
   */
  async read(defer: Defer): Promise<History | undefined> {
    const { now, sleep } = this.#options.runtime;
    const call = this.#currentCall(now(), defer);
    const waitMs = call.startedAt + HISTORY_WAIT_MAX_MS - now();
    if (waitMs > 0) await Promise.race([call.done, sleep(waitMs)]);
    const answer = this.#answer;
    return answer !== undefined && now() < answer.receivedAt + HISTORY_KEPT_MS ? answer.history : undefined;
  }

  #currentCall(now: number, defer: Defer) {
    const last = this.#lastCall;
    // The distance, otherwise a clock that steps back keeps an old answer.
    if (last !== undefined && Math.abs(now - last.startedAt) < HISTORY_INTERVAL_MS) return last;
    const call = { startedAt: now, done: this.#callRoom(now) };
    this.#lastCall = call;
    // Other requests may wait for the answer, so the call must outlive the request that made it.
    defer(call.done);
    return call;
  }

  /** Never rejects. */
  async #callRoom(startedAt: number): Promise<void> {
    const { room, runtime, report } = this.#options;
    try {
      const history = History.parse(await room().history());
      // Otherwise a late answer to an earlier call replaces a newer one.
      if (this.#lastCall?.startedAt === startedAt) this.#answer = { history, receivedAt: runtime.now() };
    } catch (error) {
      report('the room did not send its history', error);
    }
  }
}
