import { env } from 'cloudflare:workers';
import type { RoomStub } from '../../../src/presence/room/room-protocol';
import { settle } from '../../support/fake-runtime';

/** The real KV and the real rooms. `idle` waits for all their pending calls. */
export class WatchedPlatform {
  readonly #pending = new Set<Promise<unknown>>();

  readonly kv = {
    get: (...args: Parameters<KVNamespace['get']>) => this.#watch(env.PRESENCE_KV.get(...args)),
    getWithMetadata: (...args: Parameters<KVNamespace['getWithMetadata']>) =>
      this.#watch(env.PRESENCE_KV.getWithMetadata(...args)),
    put: (...args: Parameters<KVNamespace['put']>) => this.#watch(env.PRESENCE_KV.put(...args)),
    list: (...args: Parameters<KVNamespace['list']>) => this.#watch(env.PRESENCE_KV.list(...args)),
  } as KVNamespace;

  room(name: string): Pick<RoomStub, 'sync'> {
    return { sync: (report) => this.#watch(env.PRESENCE_ROOM.getByName(name).sync(report)) };
  }

  /** Waits until no call is pending. */
  async idle(): Promise<void> {
    await settle();
    while (this.#pending.size > 0) {
      await Promise.allSettled(this.#pending);
      await settle();
    }
  }

  #watch<Result>(call: Promise<Result>): Promise<Result> {
    this.#pending.add(call);
    const done = () => void this.#pending.delete(call);
    void call.then(done, done);
    return call;
  }
}
