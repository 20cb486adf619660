import * as z from 'zod';
import { CLOCK_SKEW_MAX_MS, LIST_INTERVAL_MS, LIST_PAGES_MAX, type Timing } from '../config';
import { addCounts, MoodCounts, NOBODY } from './session';

/** A whole location in short, kept as the metadata of its key: so one `list` tells of all locations at once. */
export const LocationSummary = z.object({ at: z.int().nonnegative(), moods: MoodCounts });
export type LocationSummary = z.infer<typeof LocationSummary>;

/** The part of KV that is needed here. */
export type KeyLister = Pick<KVNamespace, 'list'>;

/**
 * What the other locations said of themselves, as of the last listing. A summary counts until it is older than the lease.
 */
export class LocationSummaries {
  readonly #prefix: string;
  readonly #ownKey: string;
  readonly #timing: Timing;
  readonly #summaries = new Map<string, LocationSummary>();
  #total: MoodCounts = NOBODY;
  /** When the first summary in `#total` runs out. */
  #totalUntil = Number.POSITIVE_INFINITY;
  #nextListAt = Number.NEGATIVE_INFINITY;

  constructor(prefix: string, ownKey: string, timing: Timing) {
    this.#prefix = prefix;
    this.#ownKey = ownKey;
    this.#timing = timing;
  }

  /** A listing is due once a minute at most, also after a failure: lists are few on the free plan. */
  isDue(now: number): boolean {
    return now >= this.#nextListAt;
  }

  /** Lists the locations' keys. Rejects when KV does; what it told before that holds. */
  async refresh(kv: KeyLister, now: number): Promise<void> {
    this.#nextListAt = now + LIST_INTERVAL_MS;
    let cursor: string | undefined;
    try {
      for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
        const listed = await kv.list({ prefix: this.#prefix, ...(cursor === undefined ? {} : { cursor }) });
        for (const { name, metadata } of listed.keys) this.#learn(name, metadata, now);
        // A page may be empty and still not be the last one.
        if (listed.list_complete) break;
        cursor = listed.cursor;
      }
    } finally {
      this.#sum(now);
    }
  }

  counts(now: number): MoodCounts {
    if (now >= this.#totalUntil) this.#sum(now);
    return this.#total;
  }

  #learn(key: string, metadata: unknown, now: number): void {
    if (key === this.#ownKey) return;
    const summary = LocationSummary.safeParse(metadata);
    // A summary of the future would never grow old, and nobody here can repair it.
    if (!summary.success || summary.data.at > now + CLOCK_SKEW_MAX_MS) return;
    // A cached list may be older than the one before.
    if (summary.data.at > (this.#summaries.get(key)?.at ?? 0)) this.#summaries.set(key, summary.data);
  }

  #sum(now: number): void {
    this.#total = NOBODY;
    this.#totalUntil = Number.POSITIVE_INFINITY;
    for (const [key, { at, moods }] of this.#summaries) {
      const until = at + this.#timing.leaseMs;
      if (until <= now) {
        this.#summaries.delete(key);
      } else {
        this.#total = addCounts(this.#total, moods);
        this.#totalUntil = Math.min(this.#totalUntil, until);
      }
    }
  }
}
