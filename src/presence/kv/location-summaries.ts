import * as z from 'zod';
import {
  ALONE_INTERVAL_MS,
  ALONE_PEOPLE_MAX,
  CHANGING_PEOPLE,
  CHANGING_SHARE,
  CLOCK_SKEW_MAX_MS,
  LIST_INTERVAL_CHANGING_MS,
  LIST_INTERVAL_MS,
  LIST_PAGES_MAX,
  LIST_RETRY_MS,
  SUMMARY_TRAVEL_MS,
} from '../../limits';
import { addCounts, MoodCounts, ZERO_COUNTS } from '../session';
import type { KvTiming } from '../timing';

/**
 * The sums of a whole location, in the metadata of its key: one `list` brings those of all locations. It was written `at` and counts
 * `until` (both in ms since 1970). By then the location has written again.
 */
export const LocationSummary = z.object({
  at: z.int().nonnegative(),
  until: z.int(),
  moods: MoodCounts,
  /** Each session of the value says whether its writer has extended its lease. In version 1.0 only `until` says so, for all sessions. */
  marksRest: z.literal(true).optional(),
});
export type LocationSummary = z.infer<typeof LocationSummary>;

/** Whether the next write may come later than usual. */
export function isLeaseExtended({ at, until }: LocationSummary, { leaseMs }: KvTiming): boolean {
  return until - at > leaseMs;
}

/** The part of KV that is needed here. */
export type KeyLister = Pick<KVNamespace, 'list'>;

/** The summaries of the other locations, as of the last listing. */
export class LocationSummaries {
  readonly #prefix: string;
  #ownKey: string;
  readonly #timing: KvTiming;
  readonly #summaries = new Map<string, LocationSummary>();
  /** The sum of all that count, and when the first of them expires (ms). */
  #total: MoodCounts = ZERO_COUNTS;
  #totalUntil = Number.POSITIVE_INFINITY;
  /** The time of the last listing (ms): when KV read the list, as far as its summaries show. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** How many sessions were present everywhere at the last listing. */
  #everywhereThen = 0;
  /** The last listing failed, or has not ended. */
  #isUnfinished = false;
  /** A listing failed or took too long, and none has succeeded since. */
  #isFailing = false;
  #listings = 0;

  constructor(prefix: string, ownKey: string, timing: KvTiming) {
    this.#prefix = prefix;
    this.#ownKey = ownKey;
    this.#timing = timing;
  }

  /** The key of this location, which is none of the others. */
  set ownKey(key: string) {
    this.#ownKey = key;
    this.#summaries.delete(key);
    this.#totalUntil = Number.NEGATIVE_INFINITY;
  }

  /** Whether the other locations could not be listed. */
  isFailing(now: number): boolean {
    return this.#isFailing || (this.#isUnfinished && now >= this.#listedAt + LIST_RETRY_MS);
  }

  /** Whether to list again, where so many sessions are present `everywhere` now. */
  isDue(now: number, everywhere: number): boolean {
    return now >= this.#listedAt + this.#interval(now, everywhere);
  }

  /** Whether no other location has a summary that counts. */
  isEmpty(now: number): boolean {
    for (const summary of this.#summaries.values()) if (this.#endOf(summary) > now) return false;
    return true;
  }

  /** Lists the locations' keys. Rejects when KV does; the summaries of the pages before that count. */
  async refresh(kv: KeyLister, now: number, everywhere: number): Promise<void> {
    this.#listings += 1;
    const listing = this.#listings;
    this.#isFailing ||= this.#isUnfinished;
    this.#listedAt = now;
    this.#everywhereThen = everywhere;
    this.#isUnfinished = true;
    let newestAt = Number.NEGATIVE_INFINITY;
    let cursor: string | undefined;
    try {
      for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
        const listed = await kv.list({ prefix: this.#prefix, ...(cursor === undefined ? {} : { cursor }) });
        for (const { name, metadata } of listed.keys) {
          newestAt = Math.max(newestAt, this.#take(name, metadata, now)?.at ?? newestAt);
        }
        // A page may be empty and still not be the last one.
        if (listed.list_complete) break;
        cursor = listed.cursor;
      }
      if (listing === this.#listings) this.#isFailing = this.#isUnfinished = false;
      if (!this.isEmpty(now)) {
        const oldest = now - LIST_INTERVAL_MS + LIST_INTERVAL_CHANGING_MS;
        this.#listedAt = Math.min(Math.max(newestAt + SUMMARY_TRAVEL_MS, oldest), now);
      }
    } catch (error) {
      if (listing === this.#listings) this.#isFailing = true;
      throw error;
    } finally {
      for (const [key, summary] of this.#summaries)
        if (this.#endOf(summary) <= now) this.#summaries.delete(key);
      this.#sum(now);
    }
  }

  counts(now: number): MoodCounts {
    if (now >= this.#totalUntil) this.#sum(now);
    return this.#total;
  }

  #interval(now: number, everywhere: number): number {
    if (this.#isUnfinished) return LIST_RETRY_MS;
    const changed = Math.abs(everywhere - this.#everywhereThen);
    if (changed > Math.max(CHANGING_PEOPLE, everywhere * CHANGING_SHARE)) return LIST_INTERVAL_CHANGING_MS;
    return this.isEmpty(now) && everywhere <= ALONE_PEOPLE_MAX ? ALONE_INTERVAL_MS : LIST_INTERVAL_MS;
  }

  #take(key: string, metadata: unknown, now: number): LocationSummary | undefined {
    if (key === this.#ownKey) return undefined;
    const summary = LocationSummary.safeParse(metadata);
    // A summary of the future would count for too long, and no isolate of this location can repair it.
    if (!summary.success || summary.data.at > now + CLOCK_SKEW_MAX_MS) return undefined;
    // A cached list may be older than the one before.
    if (summary.data.at > (this.#summaries.get(key)?.at ?? 0)) this.#summaries.set(key, summary.data);
    return summary.data;
  }

  #sum(now: number): void {
    this.#total = ZERO_COUNTS;
    this.#totalUntil = Number.POSITIVE_INFINITY;
    for (const summary of this.#summaries.values()) {
      const end = this.#endOf(summary);
      if (end <= now) continue;
      this.#total = addCounts(this.#total, summary.moods);
      this.#totalUntil = Math.min(this.#totalUntil, end);
    }
  }

  /** A summary with a longer lease than any writer gives counts for the longest lease. */
  #endOf({ at, until }: LocationSummary): number {
    return Math.min(until, at + this.#timing.leaseMs + this.#timing.leaseExtensionMs);
  }
}
