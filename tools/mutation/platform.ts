import { parseSettings } from '../../src/config';
import { Room } from '../../src/presence/room/room';
import { answerToWire, reportFromWire, type WireReport } from '../../src/presence/room/room-protocol';
import { NO_JOURNAL } from '../../tests/support/no-journal';

/**
 * The platform in memory, in place of `cloudflare:workers` and `cloudflare:test`: so that the tests run in Node, where a
 * mutant costs a quarter of a second instead of ten.
 *
 * It is here for the speed of mutation testing and proves nothing else. Of the platform it knows what the tests ask for;
 * that they pass on the real one is for `npm test` to say, which runs the same files in workerd.
 */
interface Value {
  readonly text: string;
  readonly metadata: unknown;
  readonly expiration: number | undefined;
}

/** Keys that one listing shows at most: https://developers.cloudflare.com/kv/api/list-keys/ */
const PAGE = 1_000;

class MemoryKv {
  readonly values = new Map<string, Value>();

  async get(key: string, format?: unknown) {
    return (await this.getWithMetadata(key, format)).value;
  }

  async getWithMetadata(key: string, format: unknown) {
    const { text = null, metadata = null } = this.values.get(key) ?? {};
    const value: unknown = text !== null && format === 'json' ? JSON.parse(text) : text;
    return { value, metadata: structuredClone(metadata), cacheStatus: null };
  }

  async put(key: string, text: string, options: KVNamespacePutOptions = {}) {
    const { metadata = null, expirationTtl } = options;
    const expiration =
      expirationTtl === undefined ? undefined : Math.floor(Date.now() / 1_000) + expirationTtl;
    this.values.set(key, { text, metadata: structuredClone(metadata), expiration });
  }

  async delete(key: string) {
    this.values.delete(key);
  }

  async list({ prefix, cursor }: KVNamespaceListOptions = {}) {
    const names = [...this.values.keys()].filter((name) => name.startsWith(prefix ?? '')).sort();
    const start = Number(cursor ?? 0);
    const keys = names.slice(start, start + PAGE).map((name) => {
      const { metadata, expiration } = this.values.get(name) ?? {};
      return { name, metadata: structuredClone(metadata), expiration };
    });
    const end = start + PAGE;
    return end < names.length
      ? { keys, list_complete: false, cursor: String(end), cacheStatus: null }
      : { keys, list_complete: true, cacheStatus: null };
  }
}

/** One room without sockets that saves nothing. Its timers never run: only broadcasts and saves wait for them. */
class MemoryRooms {
  room: Room | undefined;

  getByName() {
    return {
      sync: async (report: WireReport) => {
        this.room ??= this.#open();
        return structuredClone(answerToWire(this.room.sync(reportFromWire(structuredClone(report)))));
      },
    };
  }

  #open(): Room {
    const { ttlMs } = parseSettings({}).timing;
    const runtime = { now: () => Date.now(), sleep: () => new Promise<never>(() => undefined) };
    return new Room({
      ttlMs,
      runtime,
      epoch: crypto.randomUUID(),
      journal: NO_JOURNAL,
      sockets: [],
      report: () => undefined,
    });
  }
}

/** The limit that stands in wrangler.toml; its minute never ends. */
const LIMIT = 1_000;

class MemoryLimiter {
  readonly counts = new Map<string, number>();

  async limit({ key }: RateLimitOptions) {
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return { success: count <= LIMIT };
  }
}

const kv = new MemoryKv();
const rooms = new MemoryRooms();
const limiter = new MemoryLimiter();

export const env = { PRESENCE_KV: kv, PRESENCE_ROOM: rooms, NEW_SESSIONS: limiter };

/** An object in memory never hibernates, so there is none to wake. */
export async function runInDurableObject(): Promise<void> {}

export async function reset(): Promise<void> {
  kv.values.clear();
  limiter.counts.clear();
  rooms.room = undefined;
}

export const exports = {
  default: {
    /** Loads the app here, since most tests do without: a mutant costs little more than what it loads. */
    fetch: async (url: string, init?: RequestInit) => {
      const { createApp } = await import('../../src/app');
      return createApp().request(url, init, env);
    },
  },
};
