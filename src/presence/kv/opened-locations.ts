import { CLOCK_SKEW_MAX_MS, KV_CACHE_TTL_SECONDS, OPENED_CHARS_MAX } from '../../limits';
import { parseJsonObject } from '../parse-json';
import { LocationSummary } from './location-summaries';

/** Number of groups of keys. A location writes one key of each group, by a hash of its name. */
export const GROUPS = 2;
/** With four, one in 16 pairs of locations shares the keys of both groups. */
const KEYS_IN_GROUP = 4;
/** Not below `presence:sessions:`, where version 1.0 counts each key with a summary as a location. */
const keyName = (group: number, index: number) => `presence:opened:${group}:${index}`;

/** Summaries, not yet checked, by the keys of their locations. */
type Entries = readonly (readonly [string, unknown])[];

/**
 * The first summaries of newly opened locations, in keys that all locations read. A read costs a tenth of a list, and KV caches it
 * for half as long. So two new locations count each other's sessions sooner. A later list has the summaries that are lost here.
 *
 * Of two writes within a minute KV may keep only the last one, so two locations should share no key. A reader reads the groups in
 * turns, so their cached copies are of different times.
 */
export class OpenedLocations {
  readonly #get: (key: string) => Promise<string | null>;
  readonly #put: (key: string, text: string) => Promise<void>;
  readonly #leaseMaxMs: number;
  /** When each group was last read (ms). */
  readonly #readAt: number[] = new Array(GROUPS).fill(Number.NEGATIVE_INFINITY);

  /** @param leaseMaxMs The longest lease of a summary. */
  constructor(
    get: (key: string) => Promise<string | null>,
    put: (key: string, text: string) => Promise<void>,
    leaseMaxMs: number,
  ) {
    this.#get = get;
    this.#put = put;
    this.#leaseMaxMs = leaseMaxMs;
  }

  /** Reads the group that was read least recently, unless KV would answer from its cache. Rejects when KV does. */
  async read(now: number): Promise<Entries> {
    const readAt = Math.min(...this.#readAt);
    if (now < readAt + KV_CACHE_TTL_SECONDS * 1000) return [];
    const group = this.#readAt.indexOf(readAt);
    this.#readAt[group] = now;
    const entries: (readonly [string, unknown])[] = [];
    // One after the other, because foreign values may be as large as KV allows.
    for (let index = 0; index < KEYS_IN_GROUP; index += 1)
      entries.push(...(await this.#readKey(keyName(group, index))));
    return entries;
  }

  /** Adds the summary of a location that has just opened, with a write for each group. Rejects when KV does. */
  async add(locationKey: string, summary: LocationSummary): Promise<void> {
    const hash = [...locationKey].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521, 0);
    const keys = [
      keyName(0, hash % KEYS_IN_GROUP),
      keyName(1, Math.floor(hash / KEYS_IN_GROUP) % KEYS_IN_GROUP),
    ];
    await Promise.all(
      keys.map(async (key) => {
        const others = (await this.#readKey(key)).filter(([, other]) => this.#isCurrent(other, summary.at));
        await this.#put(key, JSON.stringify(Object.fromEntries([...others, [locationKey, summary]])));
      }),
    );
  }

  async #readKey(key: string): Promise<Entries> {
    const text = await this.#get(key);
    if (typeof text !== 'string' || text.length > OPENED_CHARS_MAX) return [];
    return Object.entries(parseJsonObject(text) ?? {});
  }

  #isCurrent(summary: unknown, now: number): boolean {
    const { data } = LocationSummary.safeParse(summary);
    return data !== undefined && data.until > now && data.until <= now + this.#leaseMaxMs + CLOCK_SKEW_MAX_MS;
  }
}
