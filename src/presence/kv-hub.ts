import { KV_CACHE_TTL_SECONDS, SYNC_WAIT_MAX_MS, type Timing } from '../config';
import type { Hub, SyncOutcome } from './hub';
import { type KeyLister, LocationSummaries, type LocationSummary } from './location-summaries';
import { Roster } from './roster';
import { addCounts, type MoodCounts, overrules, type SessionRecord } from './session';
import type { SessionRecords, SessionTable } from './session-table';
import { formatSessions, parseSessions } from './stored-sessions';
import type { Report } from './trouble-log';
import type { World } from './world';

const KEY = 'presence:sessions';

/** The part of Workers KV that is used. Without `list` other locations are not seen. */
export type KeyValueStore = Pick<KVNamespace, 'get' | 'put'> & Partial<KeyLister>;

export interface KvHubOptions {
  readonly kv: KeyValueStore;
  /** The data centre this isolate runs in, as in `request.cf.colo`; undefined where none is known. */
  readonly location: string | undefined;
  readonly timing: Timing;
  readonly world: Pick<World, 'now' | 'sleep'>;
  readonly report: Report;
}

/**
 * The hub on Workers KV: one key per location.
 *
 * The isolates of a location merge their sessions into its key; the other locations read the summary in its metadata.
 * KV knows no compare-and-set, so of two isolates that write at once one loses. That costs nothing but time: every
 * isolate still holds its own sessions and merges them again at its next sync.
 *
 * It does not promise the same moment everywhere: what KV shows elsewhere may be a minute old or more.
 * https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 */
export class KvHub implements Hub {
  readonly kind = 'kv';
  readonly #kv: KeyValueStore;
  readonly #key: string;
  readonly #timing: Timing;
  readonly #world: Pick<World, 'now' | 'sleep'>;
  readonly #report: Report;
  /** What other isolates of this location heard last: their sessions, and their leaves, which are not counted. */
  #elsewhere = new Roster();
  readonly #otherLocations: LocationSummaries;

  constructor({ kv, location, timing, world, report }: KvHubOptions) {
    this.#kv = kv;
    this.#key = location === undefined ? KEY : `${KEY}:${location.toLowerCase()}`;
    this.#timing = timing;
    this.#world = world;
    this.#report = report;
    this.#otherLocations = new LocationSummaries(`${KEY}:`, this.#key, timing);
  }

  async sync(own: SessionTable): Promise<SyncOutcome> {
    const listed = this.#listIfDue();
    try {
      const value = await this.#kv.get(this.#key, { cacheTtl: KV_CACHE_TTL_SECONDS });
      const all = this.#merge(own, value);
      // A replica that only reads has nothing to say, and every write is paid for.
      return own.isEmpty ? 'done' : await this.#put(own, all);
    } finally {
      // What a slow list brings is learned when it comes; the sessions of this location must not wait for it.
      if (listed !== undefined) await Promise.race([listed, this.#world.sleep(SYNC_WAIT_MAX_MS)]);
    }
  }

  counts(now: number): MoodCounts {
    this.#elsewhere.expire(now - this.#timing.keepMs);
    return addCounts(this.#elsewhere.counts, this.#otherLocations.counts(now));
  }

  claim(id: string): SessionRecord | undefined {
    return this.#elsewhere.delete(id);
  }

  #listIfDue(): Promise<void> | undefined {
    const now = this.#world.now();
    const { list } = this.#kv;
    if (list === undefined || !this.#otherLocations.isDue(now)) return undefined;
    return this.#otherLocations.refresh({ list: list.bind(this.#kv) }, now).catch((error: unknown) => {
      // What was known of them ages as it would have anyway; our own location goes on.
      this.#report('the other locations could not be listed', error);
    });
  }

  /** No await in here: between the merge and the new `#elsewhere` no request may come, or it would be counted twice. */
  #merge(own: SessionTable, value: string | null): SessionRecords {
    const now = this.#world.now();
    const { sessions, dropped } = parseSessions(value, now);
    if (dropped > 0)
      this.#report(`${dropped} stored entries could not be read; the next write repairs the value`);
    // A read may be older than the one before. What was known then still holds, and our write must not lose it.
    for (const [id, { mood, lastSeen }] of this.#elsewhere) {
      const read = sessions.get(id);
      const known = { mood, lastSeen };
      if (read === undefined || overrules(known, read)) sessions.set(id, known);
    }
    const { all, elsewhere } = own.merge(sessions, now);
    this.#elsewhere = new Roster();
    for (const [id, { mood, lastSeen }] of elsewhere) this.#elsewhere.set(id, mood, lastSeen, lastSeen);
    return all;
  }

  async #put(own: SessionTable, all: SessionRecords): Promise<SyncOutcome> {
    const metadata: LocationSummary = {
      at: this.#world.now(),
      moods: addCounts(own.counts, this.#elsewhere.counts),
    };
    try {
      const expirationTtl = this.#timing.expirationTtlSeconds;
      await this.#kv.put(this.#key, formatSessions(all), { expirationTtl, metadata });
      return 'done';
    } catch (error) {
      // One write a second per key: https://developers.cloudflare.com/kv/platform/limits/
      if (/\b429\b/.test(String(error))) return 'refused';
      throw error;
    }
  }
}
