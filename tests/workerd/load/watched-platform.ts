import { env } from 'cloudflare:workers';
import type { RoomStub } from '../../../src/presence/room/room-protocol';
import { settle } from '../../support/fake-runtime';

/** The real KV and the real rooms, of which a test can tell when they have done all that they were asked for. */
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

  async idle(): Promise<void> {
    await settle();
    while (this.#pending.size > 0) {
      await Promise.allSettled(this.#pending);
      await settle();
    }
  }

  #watch<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending.add(work);
    const done = () => void this.#pending.delete(work);
    void work.then(done, done);
    return work;
  }
}
