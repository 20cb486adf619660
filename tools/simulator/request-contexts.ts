import { AsyncLocalStorage } from 'node:async_hooks';
import type { Defer } from '../../src/presence/sync-loop';
import type { Dice } from './dice';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

/** Deferred work ends this long after the response: https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
const DEFERRED_MS = 30_000;

/** The state that the platform keeps for one request. */
interface RequestContext {
  answeredAt: number;
  /** Deferred tasks that have not ended. */
  deferred: number;
  /** Whether the context ends with its response. */
  isDying: boolean;
  isOver: boolean;
}

/**
 * The contexts of requests, by the platform's rule. An operation of a request settles until the response. While a deferred task of
 * the request runs, it settles for 30 s more. A later result never settles its promise.
 *
 * Code belongs to the context of the request that runs it, also after each `await`.
 */
export class RequestContexts {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #rules: Scenario;
  readonly #current = new AsyncLocalStorage<RequestContext>();
  #areFaultsOn = true;

  constructor(time: VirtualTime, dice: Dice, rules: Scenario) {
    this.#time = time;
    this.#dice = dice;
    this.#rules = rules;
  }

  /** Ends the faults: from now on no context dies early. The platform's rule stays, because it is no fault. */
  heal(): void {
    this.#areFaultsOn = false;
  }

  /** Serves a request in a context of its own. The promise settles as that of `serve` does. */
  run<Answer>(serve: (defer: Defer) => Promise<Answer>): Promise<Answer> {
    const context: RequestContext = {
      answeredAt: Number.POSITIVE_INFINITY,
      deferred: 0,
      isDying: false,
      isOver: false,
    };
    const defer: Defer = (task) => {
      context.deferred += 1;
      void task.then(() => {
        context.deferred -= 1;
      });
    };
    return this.#current.run(context, async () => {
      try {
        return await serve(defer);
      } finally {
        context.answeredAt = this.#time.now;
      }
    });
  }

  /** Adds work to the current request. The promise settles as `work` does, or never if the context is over by then. */
  begin<Result>(work: Promise<Result>): Promise<Result> {
    const context = this.#current.getStore();
    if (context === undefined) return work;
    return new Promise((resolve, reject) => {
      const unlessOver = (settle: () => void) => {
        if (!this.#isOver(context)) settle();
      };
      work.then(
        (result) => unlessOver(() => resolve(result)),
        (error: unknown) => unlessOver(() => reject(error)),
      );
    });
  }

  /**
   * Adds a call to the hub to the current request. With the chance `die` the context dies, as at a CPU or memory limit. Then the call
   * and all later work of the context never settle. The client still gets its response.
   */
  call<Result>(work: Promise<Result>): Promise<Result> {
    const context = this.#current.getStore();
    const dies = this.#dice.chance(this.#rules.die);
    if (context !== undefined && dies && this.#areFaultsOn) context.isDying = true;
    if (!context?.isDying) return this.begin(work);
    work.catch(() => undefined);
    return new Promise(() => undefined);
  }

  #isOver(context: RequestContext): boolean {
    const { answeredAt, deferred } = context;
    const isAnswered = this.#time.now > answeredAt;
    if (isAnswered && (context.isDying || deferred === 0 || this.#time.now >= answeredAt + DEFERRED_MS))
      context.isOver = true;
    return context.isOver;
  }
}
