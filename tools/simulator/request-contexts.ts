import { AsyncLocalStorage } from 'node:async_hooks';
import type { Defer } from '../../src/presence/sync-loop';
import type { Dice } from './dice';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

/** Deferred work ends so long after the response: https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
const DEFERRED_MS = 30_000;

/** What the platform keeps for one request. */
interface RequestContext {
  answeredAt: number;
  /** Deferred tasks that have not ended. */
  deferred: number;
  /** Over when the response has been given. */
  isDying: boolean;
  isOver: boolean;
}

/**
 * The contexts of requests, by the platform's rule: what a request began comes back until its response, after that while a
 * deferred task of it runs, and at the latest 30 s after the response. What comes later never comes back.
 *
 * Code belongs to the context of the request that runs it, also behind every `await`.
 */
export class RequestContexts {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #rules: Scenario;
  readonly #current = new AsyncLocalStorage<RequestContext>();
  #faulty = true;

  constructor(time: VirtualTime, dice: Dice, rules: Scenario) {
    this.#time = time;
    this.#dice = dice;
    this.#rules = rules;
  }

  /** From now on no context dies early. The platform's rule stays: it is no fault. */
  heal(): void {
    this.#faulty = false;
  }

  /** Serves a request in a context of its own. Settles as `serve` does. */
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

  /** Work that the current request begins: it settles as `work` does, or never, if the context is over by then. */
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
   * A call to the hub that the current request makes. The context may die of it, as of a CPU or memory limit: then the call
   * and all that the context began never come back. Its response comes all the same.
   */
  call<Result>(work: Promise<Result>): Promise<Result> {
    const context = this.#current.getStore();
    const dies = this.#dice.chance(this.#rules.die);
    if (context !== undefined && dies && this.#faulty) context.isDying = true;
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
