import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import type { PresenceState } from '../../src/presence/session';
import { COMPATIBILITY_DATE } from './compatibility-date';
import { type Fetch, post } from './http';
import { limiterOf } from './limiter';
import { observedFetch } from './observed-fetch';

/** The service as isolates with an origin each. The hub is `durable-object` unless a variable sets another one. */
export class Service {
  readonly #miniflare: Miniflare;
  readonly #names: readonly string[];

  constructor(
    isolates: number,
    variables: Readonly<Record<string, string>> = {},
    scriptPath = 'dist/tests/counting-worker.js',
    /** How many sessions one network may start in a minute. */
    newSessionsMax?: number,
  ) {
    this.#names = Array.from({ length: isolates }, (_, index) => `isolate-${index}`);
    const workers = this.#names.map((name) => ({
      name,
      modules: true,
      scriptPath,
      compatibilityDate: COMPATIBILITY_DATE,
      kvNamespaces: { PRESENCE_KV: 'shared' },
      bindings: { PRESENCE_HUB: 'durable-object', ...variables },
      durableObjects: {
        PRESENCE_ROOM: { className: 'PresenceRoom', scriptName: 'isolate-0', useSQLite: true },
      },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      ratelimits: limiterOf(newSessionsMax),
    }));
    this.#miniflare = new Miniflare(convertV4MiniflareOptions({ workers }));
  }

  /** The origin of an isolate. */
  async origin(isolate = 0): Promise<URL> {
    return this.#miniflare.unsafeGetDirectURL(this.#names[isolate]);
  }

  fetch(isolate = 0): Fetch {
    return async (path, init) => observedFetch(new URL(path, await this.origin(isolate)), init);
  }

  async heartbeat(sessionId: string, isolate = 0, mood = 'presence'): Promise<PresenceState> {
    const response = await post(this.fetch(isolate), '/api/heartbeat', { sessionId, mood });
    // The contract test checks the shape.
    return (await response.json()) as PresenceState;
  }

  async leave(sessionId: string, isolate = 0): Promise<void> {
    await (await post(this.fetch(isolate), '/api/leave', { sessionId })).body?.cancel();
  }

  async presence(isolate = 0): Promise<PresenceState> {
    return (await (await this.fetch(isolate)('/api/presence')).json()) as PresenceState;
  }

  /** How many syncs the room has received. */
  async syncs(): Promise<number> {
    return (await (await this.fetch()('/test/syncs')).json()) as number;
  }

  async liveUrl(isolate = 0): Promise<string> {
    return new URL('/api/live', await this.origin(isolate)).href.replace(/^http/, 'ws');
  }

  dispose(): Promise<void> {
    return this.#miniflare.dispose();
  }
}
