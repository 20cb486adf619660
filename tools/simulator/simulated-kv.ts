import type { KeyValueStore } from '../../src/presence/kv/kv-hub';
import type { Dice } from './dice';
import { PRICES } from './prices';
import { Reachability } from './reachability';
import type { RequestContexts } from './request-contexts';
import type { Scenario } from './scenario';
import type { VirtualTime } from './virtual-time';

/** Another location reads a write after at most this time: https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency */
const PROPAGATION_MS = 60_000;
/** KV accepts one write to a key in this time: https://developers.cloudflare.com/kv/platform/limits/ */
const WRITE_GAP_MS = 1_000;
/** The range of the time of an operation (ms). Cloudflare does not document it. docs/accuracy.md names the assumption. */
const LATENCY_MS = { get: [5, 50], put: [50, 300], list: [50, 300] } as const;
const FREE_PLAN = {
  get: PRICES.kvReads.freeADay,
  put: PRICES.kvWrites.freeADay,
  list: PRICES.kvLists.freeADay,
};
const DAY_MS = 86_400_000;
const PAGE = 1_000;

type Operation = keyof typeof LATENCY_MS;

interface Version {
  readonly value: string;
  readonly metadata: unknown;
  readonly expiresAt: number;
  /** The time from which each location reads it. */
  readonly visibleAt: readonly number[];
}

interface Cached<Item> {
  readonly item: Item;
  readonly until: number;
}

/** The keys that one location saw at its last list. */
type Listing = readonly { readonly name: string; readonly metadata: unknown }[];

/**
 * Workers KV by its documented rules. The location of a write reads it at once, another one after a delay. Each location caches reads
 * and lists, and also the absence of a key. A key takes one write a second, and the last write wins. A plan may have daily quotas.
 *
 * It has no compare-and-set, like KV. Of `get`, `put` and `list` it has the options that the service uses.
 */
export class SimulatedKv {
  /** Operations that KV accepted. `refused` writes came less than 1 s after another one. `quotaErrors` were over a daily limit. */
  readonly usage = { get: 0, put: 0, list: 0, refused: 0, quotaErrors: 0 };
  readonly reach: Reachability;
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #contexts: RequestContexts;
  readonly #rules: Scenario;
  readonly #versions = new Map<string, Version[]>();
  readonly #writtenAt = new Map<string, number>();
  readonly #reads = new Map<string, Cached<Version | undefined>>();
  readonly #lists = new Map<string, Cached<Listing>>();
  #today = { day: 0, get: 0, put: 0, list: 0 };
  #areFaultsOn = true;

  constructor(time: VirtualTime, dice: Dice, contexts: RequestContexts, rules: Scenario) {
    this.#time = time;
    this.#dice = dice;
    this.#contexts = contexts;
    this.#rules = rules;
    this.reach = new Reachability(rules.locations);
  }

  /** Ends the faults. Delays and caches stay, because they are no faults. */
  heal(): void {
    this.#areFaultsOn = false;
    this.reach.heal();
  }

  /** The namespace as the isolates of a location see it. */
  at(location: number): KeyValueStore {
    return {
      get: (async (key: string, options?: { cacheTtl?: number }) =>
        (await this.#contexts.call(this.#get(key, options, location))).value) as KVNamespace['get'],

      getWithMetadata: ((key: string, options?: { cacheTtl?: number }) =>
        this.#contexts.call(this.#get(key, options, location))) as KVNamespace['getWithMetadata'],

      put: (key, value, options) =>
        this.#contexts.call(this.#put(key, String(value), options ?? {}, location)),

      list: ((options: KVNamespaceListOptions = {}) =>
        this.#contexts.call(this.#listPage(options, location))) as KVNamespace['list'],
    };
  }

  async #put(key: string, value: string, options: KVNamespacePutOptions, location: number): Promise<void> {
    await this.#reach('put', location);
    this.#refuseIfWrittenJustNow(key);
    this.#spend('put');
    this.#write(key, value, options.metadata, options.expirationTtl, location);
  }

  async #listPage({ prefix, cursor }: KVNamespaceListOptions, location: number) {
    await this.#reach('list', location);
    this.#spend('list');
    const listing = this.#list(prefix ?? '', location);
    const start = Number(cursor ?? 0);
    const keys = listing.slice(start, start + PAGE);
    const end = start + PAGE;
    return end < listing.length
      ? { keys, list_complete: false, cursor: String(end), cacheStatus: null }
      : { keys, list_complete: true, cacheStatus: null };
  }

  async #get(key: string, { cacheTtl = 60 }: { cacheTtl?: number } = {}, location: number) {
    await this.#reach('get', location);
    this.#spend('get');
    const version = this.#read(key, location, cacheTtl * 1000);
    const isCorrupt = this.#dice.chance(this.#rules.corrupt) && this.#areFaultsOn;
    const { value = null, metadata = null } = version ?? {};
    return {
      value: isCorrupt ? (value?.slice(0, value.length / 2) ?? null) : value,
      metadata,
      cacheStatus: null,
    };
  }

  /** Waits as long as an operation takes. Fails or never settles if a fault prevents the operation. */
  async #reach(operation: Operation, location: number): Promise<void> {
    const [min, max] = LATENCY_MS[operation];
    const latency = this.#dice.between(min, max) + this.#rules.slowMs;
    const fails = this.#dice.chance(this.#rules.fail);
    const hangs = this.#dice.chance(this.#rules.hang);
    await this.#time.sleep(latency);
    const isReached = this.reach.isReached(location, this.#time.now);
    if (hangs && this.#areFaultsOn) await new Promise(() => undefined);
    if (!isReached || (fails && this.#areFaultsOn))
      throw new Error(`KV ${operation.toUpperCase()} failed: 500 Internal Server Error`);
  }

  #spend(operation: Operation): void {
    const day = Math.floor(this.#time.now / DAY_MS);
    if (this.#today.day !== day) this.#today = { day, get: 0, put: 0, list: 0 };
    if (this.#rules.quota === 'free' && this.#today[operation] >= FREE_PLAN[operation]) {
      this.usage.quotaErrors += 1;
      throw new Error(`KV ${operation}() limit exceeded for the day.`);
    }
    this.#today[operation] += 1;
    this.usage[operation] += 1;
  }

  #read(key: string, location: number, cacheMs: number): Version | undefined {
    const place = `${location} ${key}`;
    const seenAgo = this.#dice.between(0, cacheMs);
    if (this.#dice.chance(this.#rules.staleRead))
      return this.#visible(key, location, this.#time.now - seenAgo);
    const cached = this.#reads.get(place);
    if (cached !== undefined && this.#time.now < cached.until) return this.#unlessExpired(cached.item);
    const item = this.#visible(key, location);
    this.#reads.set(place, { item, until: this.#time.now + cacheMs });
    return item;
  }

  #refuseIfWrittenJustNow(key: string): void {
    const writtenAt = this.#writtenAt.get(key);
    if (writtenAt === undefined || this.#time.now - writtenAt >= WRITE_GAP_MS) return;
    this.usage.refused += 1;
    throw new Error('KV PUT failed: 429 Too Many Requests');
  }

  #write(key: string, value: string, metadata: unknown, ttlSeconds: number | undefined, home: number): void {
    const { now } = this.#time;
    this.#writtenAt.set(key, now);
    const missed = this.#dice.chance(this.#rules.homeMiss);
    const visibleAt = Array.from({ length: this.#rules.locations }, (_, location) => {
      const delay = this.#dice.between(0, PROPAGATION_MS);
      return location === home && !missed ? now : now + delay;
    });
    const expiresAt = ttlSeconds === undefined ? Number.POSITIVE_INFINITY : now + ttlSeconds * 1000;
    const versions = this.#versions.get(key) ?? [];
    // No location reads a version that is older than the newest one that all saw a minute ago.
    const seenByAll = versions.findLastIndex(({ visibleAt }) => visibleAt.every((at) => at <= now - 60_000));
    this.#versions.set(key, [
      ...versions.slice(Math.max(seenByAll, 0)),
      { value, metadata, expiresAt, visibleAt },
    ]);
    if (!missed) this.#reads.delete(`${home} ${key}`);
  }

  #list(prefix: string, location: number): Listing {
    const place = `${location} ${prefix}`;
    const cached = this.#lists.get(place);
    if (cached !== undefined && this.#time.now < cached.until) return cached.item;
    const item: { name: string; metadata: unknown }[] = [];
    for (const name of [...this.#versions.keys()].sort()) {
      const version = name.startsWith(prefix) ? this.#visible(name, location) : undefined;
      if (version !== undefined) item.push({ name, metadata: version.metadata });
    }
    this.#lists.set(place, { item, until: this.#time.now + this.#rules.listCacheSeconds * 1000 });
    return item;
  }

  /** Returns the last write that this location sees at `at`. */
  #visible(key: string, location: number, at = this.#time.now): Version | undefined {
    const seen = (version: Version) => (version.visibleAt[location] ?? 0) <= at;
    return this.#unlessExpired(this.#versions.get(key)?.findLast(seen));
  }

  #unlessExpired(version: Version | undefined): Version | undefined {
    return version !== undefined && this.#time.now < version.expiresAt ? version : undefined;
  }
}
