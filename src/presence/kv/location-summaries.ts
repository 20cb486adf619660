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
import { addCounts, MoodCounts, NOBODY } from '../session';
import type { KvTiming } from '../timing';

/**
 * A whole location in short, kept as the metadata of its key: so one `list` tells of all locations at once. `at` is when it
 * was written, and it counts until `until`, by when the location will have spoken again (both in ms since 1970).
 */
export const LocationSummary = z.object({
  at: z.int().nonnegative(),
  until: z.int(),
  moods: MoodCounts,
  /** The sessions of the value say themselves whether their writer rests. In version 1.0 only `until` says so, for all of them. */
  marksRest: z.literal(true).optional(),
});
export type LocationSummary = z.infer<typeof LocationSummary>;

/** The part of KV that is needed here. */
export type KeyLister = Pick<KVNamespace, 'list'>;

/** What the other locations said of themselves, as of the last listing. */
export class LocationSummaries {
  readonly #prefix: string;
  #ownKey: string;
  readonly #timing: KvTiming;
  readonly #summaries = new Map<string, LocationSummary>();
  #total: MoodCounts = NOBODY;
  /** When the first summary in `#total` runs out. */
  #totalUntil = Number.POSITIVE_INFINITY;
  /** How old what the last listing told is: when KV looked, as far as we can tell. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** How many people were counted, here and elsewhere, at the last listing. */
  #peopleThen = 0;
  /** The last listing failed, or has not ended. */
  #isUnfinished = false;

  constructor(prefix: string, ownKey: string, timing: KvTiming) {
    this.#prefix = prefix;
    this.#ownKey = ownKey;
    this.#timing = timing;
  }

  /** The key of the own location, which is none of the others. */
  set ownKey(key: string) {
    this.#ownKey = key;
    this.#summaries.delete(key);
    this.#totalUntil = Number.NEGATIVE_INFINITY;
  }

  /** Whether a listing that has begun does not end. */
  isLate(now: number): boolean {
    return this.#isUnfinished && now >= this.#listedAt + LIST_RETRY_MS;
  }

  /** Whether to list again, where `people` are counted now, here and elsewhere. */
  isDue(now: number, people: number): boolean {
    return now >= this.#listedAt + this.#interval(now, people);
  }

  /** Whether no other location has spoken lately. */
  isEmpty(now: number): boolean {
    this.counts(now);
    return this.#summaries.size === 0;
  }

  /** Lists the locations' keys. Rejects when KV does; what it told before that holds. */
  async refresh(kv: KeyLister, now: number, people: number): Promise<void> {
    this.#listedAt = now;
    this.#peopleThen = people;
    this.#isUnfinished = true;
    let newestAt = Number.NEGATIVE_INFINITY;
    let cursor: string | undefined;
    try {
      for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
        const listed = await kv.list({ prefix: this.#prefix, ...(cursor === undefined ? {} : { cursor }) });
        for (const { name, metadata } of listed.keys) {
          newestAt = Math.max(newestAt, this.#learn(name, metadata, now)?.at ?? newestAt);
        }
        // A page may be empty and still not be the last one.
        if (listed.list_complete) break;
        cursor = listed.cursor;
      }
      this.#isUnfinished = false;
      if (!this.isEmpty(now)) {
        const oldest = now - LIST_INTERVAL_MS + LIST_INTERVAL_CHANGING_MS;
        this.#listedAt = Math.min(Math.max(newestAt + SUMMARY_TRAVEL_MS, oldest), now);
      }
    } finally {
      this.#sum(now);
    }
  }

  counts(now: number): MoodCounts {
    if (now >= this.#totalUntil) this.#sum(now);
    return this.#total;
  }

  #interval(now: number, people: number): number {
    if (this.#isUnfinished) return LIST_RETRY_MS;
    const changed = Math.abs(people - this.#peopleThen);
    if (changed > Math.max(CHANGING_PEOPLE, people * CHANGING_SHARE)) return LIST_INTERVAL_CHANGING_MS;
    return this.isEmpty(now) && people <= ALONE_PEOPLE_MAX ? ALONE_INTERVAL_MS : LIST_INTERVAL_MS;
  }

  #learn(key: string, metadata: unknown, now: number): LocationSummary | undefined {
    if (key === this.#ownKey) return undefined;
    const summary = LocationSummary.safeParse(metadata);
    // A summary of the future would never grow old, and nobody here can repair it.
    if (!summary.success || summary.data.at > now + CLOCK_SKEW_MAX_MS) return undefined;
    // A cached list may be older than the one before.
    if (summary.data.at > (this.#summaries.get(key)?.at ?? 0)) this.#summaries.set(key, summary.data);
    return summary.data;
  }

  #sum(now: number): void {
    this.#total = NOBODY;
    this.#totalUntil = Number.POSITIVE_INFINITY;
    for (const [key, { at, until, moods }] of this.#summaries) {
      const end = Math.min(until, at + this.#timing.leaseMs + this.#timing.leaseExtensionMs);
      if (end <= now) {
        this.#summaries.delete(key);
      } else {
        this.#total = addCounts(this.#total, moods);
        this.#totalUntil = Math.min(this.#totalUntil, end);
      }
    }
  }
}
