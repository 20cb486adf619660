import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import type { PresenceState } from '../../../src/presence/session';
import { COMPATIBILITY_DATE } from '../../support/compatibility-date';
import { limiterOf } from '../../support/limiter';
import { observeResponse } from '../../support/observations';
import { CLOCK_HEADER } from './clock-header';

/** One workerd isolate. It shares data with another isolate only through KV. */
export interface Isolate {
  heartbeat(sessionId: string, mood?: string): Promise<PresenceState>;
  leave(sessionId: string): Promise<void>;
  presence(): Promise<PresenceState>;
}

/** A workerd with pairs of isolates, `here` and `there`. One start serves all tests of a file, each with a fresh pair. */
export class IsolatePairs {
  readonly #miniflare: Miniflare;
  #used = 0;

  constructor(pairs: number) {
    const pairOf = (_: unknown, pair: number) =>
      ['here', 'there'].map((name) => ({
        name: `${name}-${pair}`,
        modules: true,
        scriptPath: 'dist/tests/isolates.js',
        kvNamespaces: { PRESENCE_KV: `pair-${pair}` },
        compatibilityDate: COMPATIBILITY_DATE,
        ratelimits: limiterOf(),
      }));
    const workers = Array.from({ length: pairs }, pairOf).flat();
    this.#miniflare = new Miniflare(convertV4MiniflareOptions({ workers }));
  }

  /** Returns a pair that no test has used. */
  next(): Isolates {
    this.#used += 1;
    return new Isolates(this.#miniflare, this.#used - 1);
  }

  dispose(): Promise<void> {
    return this.#miniflare.dispose();
  }
}

/** Two isolates that share one KV namespace, and a clock that stands still until a test moves it. */
export class Isolates {
  readonly #miniflare: Miniflare;
  readonly #pair: number;
  nowMs = Date.UTC(2026, 0, 1, 12);

  constructor(miniflare: Miniflare, pair: number) {
    this.#miniflare = miniflare;
    this.#pair = pair;
  }

  /** Returns the isolate of that name, in a location. */
  isolate(name: 'here' | 'there', colo = 'AMS'): Isolate {
    const request = async (path: string, body?: object) => {
      const worker = await this.#miniflare.getWorker(`${name}-${this.#pair}`);
      const response = await worker.fetch(`http://localhost${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json', [CLOCK_HEADER]: String(this.nowMs) },
        body: body === undefined ? null : JSON.stringify(body),
        cf: { colo },
      });
      observeResponse(body === undefined ? 'GET' : 'POST', new URL(path, 'http://localhost'), response);
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
      // The contract test checks the shape.
      return (await response.json()) as PresenceState;
    };
    return {
      heartbeat: (sessionId, mood = 'presence') => request('/api/heartbeat', { sessionId, mood }),
      leave: async (sessionId) => void (await request('/api/leave', { sessionId })),
      presence: () => request('/api/presence'),
    };
  }
}
