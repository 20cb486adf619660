import * as z from 'zod/mini';
import {
  ALONE_INTERVAL_MS,
  CLOCK_SKEW_MAX_MS,
  FEW_PEOPLE,
  KV_SESSIONS_MAX,
  LIST_INTERVAL_MS,
  LIST_PAGES_MAX,
  LIST_RETRY_MS,
  LOCATIONS_MAX,
  SUMMARY_TRAVEL_MS,
} from '../../limits';
import { addCounts, MoodCounts, totalOf, WholeNumber, ZERO_COUNTS } from '../session';
import type { KvTiming } from '../timing';

/**
 * The sums of a whole location. It is in the metadata of the location's key, so one `list` returns those of all locations. It was
 * written `at`, and counts `until` (both in ms since 1970). By then the location has written again.
 */
export const LocationSummary = z.object({
  at: WholeNumber,
  until: z.int(),
  moods: MoodCounts.check(z.refine((moods) => totalOf(moods) <= 4 * KV_SESSIONS_MAX)),
  /** The value marks each session whose writer was alone. In version 1.0 only `until` does, for all sessions. */
  marksRest: z.optional(z.literal(true)),
});
export type LocationSummary = z.infer<typeof LocationSummary>;

/** Whether the writer was alone in its location. Its next write may come later than usual. */
export function isWriterAlone({ at, until }: LocationSummary, { leaseMs }: KvTiming): boolean {
  return until - at > leaseMs;
}

/** The part of KV that lists keys. */
export type KeyLister = Pick<KVNamespace, 'list'>;

/** The name of a location, as this service writes it after the prefix. */
const NAME = /^[a-z0-9]{1,16}$/;

/** The summaries of the other locations, as KV last showed them. */
export class LocationSummaries {
  readonly #prefix: string;
  #ownKey: string;
  readonly #timing: KvTiming;
  readonly #summaries = new Map<string, LocationSummary>();
  /** The sum of the summaries that count, and when the first of these expires (ms). */
  #total: MoodCounts = ZERO_COUNTS;
  #totalUntil = Number.POSITIVE_INFINITY;
  /** The time of the last listing (ms). For a list from KV's cache it is earlier, by its newest summary. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** The last listing failed, or still runs. */
  #isUnfinished = false;
  /** A listing failed or took too long, and none has succeeded since. */
  #isFailing = false;
  #listings = 0;
  #successes = 0;

  constructor(prefix: string, ownKey: string, timing: KvTiming) {
    this.#prefix = prefix;
    this.#ownKey = ownKey;
    this.#timing = timing;
  }

  /** The key of this location. Its summary does not count as another location. */
  set ownKey(key: string) {
    this.#ownKey = key;
    this.#summaries.delete(key);
    this.#totalUntil = Number.NEGATIVE_INFINITY;
  }

  /** Whether the other locations could not be listed. */
  isFailing(now: number): boolean {
    return this.#isFailing || (this.#isUnfinished && now >= this.#listedAt + LIST_RETRY_MS);
  }

  /** Whether to list again. `everywhere` is the number of present sessions in all locations. */
  isDue(now: number, everywhere: number): boolean {
    // The clock may have stepped back.
    return now < this.#listedAt || now >= this.#listedAt + this.#interval(now, everywhere);
  }

  /** Lists the keys of the locations. Rejects when KV does; the summaries of the pages before that count. */
  async refresh(kv: KeyLister, now: number): Promise<void> {
    this.#listings += 1;
    const listing = this.#listings;
    this.#isFailing ||= this.#isUnfinished;
    this.#listedAt = now;
    this.#isUnfinished = true;
    let newestAt = Number.NEGATIVE_INFINITY;
    let cursor: string | undefined;
    try {
      for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
        const listed = await kv.list({ prefix: this.#prefix, ...(cursor === undefined ? {} : { cursor }) });
        newestAt = Math.max(newestAt, this.#addPage(listed.keys, now));
        // A page may be empty and still not be the last one.
        if (listed.list_complete) break;
        cursor = listed.cursor;
      }
      if (listing === this.#listings) this.#isFailing = this.#isUnfinished = false;
      this.#successes += 1;
      if (Number.isFinite(newestAt))
        this.#listedAt = Math.min(
          Math.max(newestAt + SUMMARY_TRAVEL_MS, now - (3 * LIST_INTERVAL_MS) / 4),
          now,
        );
    } catch (error) {
      if (listing === this.#listings) this.#isFailing = true;
      throw error;
    } finally {
      this.#sum(now);
    }
  }

  /** Adds summaries from outside a list, each by its key. */
  add(summaries: Iterable<readonly [string, unknown]>, now: number): void {
    for (const [key, summary] of summaries) this.#addSummary(key, summary, now);
    this.#sum(now);
  }

  counts(now: number): MoodCounts {
    if (now >= this.#totalUntil) this.#sum(now);
    return this.#total;
  }

  #interval(now: number, everywhere: number): number {
    if (this.#isUnfinished) return LIST_RETRY_MS;
    // Not after one listing, because two locations that open together do not find each other in their first lists.
    const hasListedTwice = this.#successes > 1;
    return hasListedTwice && this.#isEmpty(now) && everywhere <= FEW_PEOPLE
      ? ALONE_INTERVAL_MS
      : LIST_INTERVAL_MS;
  }

  /** Whether no other location has a summary that counts. */
  #isEmpty(now: number): boolean {
    for (const summary of this.#summaries.values()) if (this.#endOf(summary) > now) return false;
    return true;
  }

  /**
   * Adds the summaries of a page. Returns when the newest of them was written (ms). Summaries of a replica that is alone do not count
   * there, because it writes rarely.
   */
  #addPage(keys: readonly KVNamespaceListKey<unknown>[], now: number): number {
    let newestAt = Number.NEGATIVE_INFINITY;
    for (const { name, metadata } of keys) {
      const summary = this.#addSummary(name, metadata, now);
      if (summary !== undefined && summary.until > now && !isWriterAlone(summary, this.#timing))
        newestAt = Math.max(newestAt, summary.at);
    }
    return newestAt;
  }

  #addSummary(key: string, metadata: unknown, now: number): LocationSummary | undefined {
    if (key === this.#ownKey || !key.startsWith(this.#prefix)) return undefined;
    if (!NAME.test(key.slice(this.#prefix.length))) return undefined;
    const known = this.#summaries.get(key);
    if (known === undefined && this.#summaries.size >= LOCATIONS_MAX) return undefined;
    const summary = LocationSummary.safeParse(metadata);
    // A summary of the future would count for too long, and no isolate of this location can repair it.
    if (!summary.success || summary.data.at > now + CLOCK_SKEW_MAX_MS) return undefined;
    if (now >= this.#forgetAt(summary.data)) return undefined;
    // A cached list may be older than the list before it.
    if (summary.data.at > (known?.at ?? 0)) this.#summaries.set(key, summary.data);
    return summary.data;
  }

  /** Sums the summaries that count, and drops old ones. */
  #sum(now: number): void {
    this.#total = ZERO_COUNTS;
    this.#totalUntil = Number.POSITIVE_INFINITY;
    for (const [key, summary] of this.#summaries) {
      const end = this.#endOf(summary);
      // An ended summary stays for the longest lease. Otherwise an older copy with a longer one counts again.
      if (now >= this.#forgetAt(summary)) this.#summaries.delete(key);
      if (end <= now) continue;
      this.#total = addCounts(this.#total, summary.moods);
      this.#totalUntil = Math.min(this.#totalUntil, end);
    }
  }

  /** No summary counts for more than the longest lease, even if its `until` is later. */
  #endOf(summary: LocationSummary): number {
    return Math.min(summary.until, this.#forgetAt(summary));
  }

  #forgetAt({ at }: LocationSummary): number {
    return at + this.#timing.leaseMs + this.#timing.aloneExtensionMs;
  }
}
