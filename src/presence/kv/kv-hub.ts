import { FEW_PEOPLE, KV_CACHE_TTL_SECONDS, KV_SESSIONS_MAX, WRITES_KEPT_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';
import type { Hub, SyncOutcome } from '../hub';
import type { Replica } from '../replica';
import { addCounts, type MoodCounts, totalOf } from '../session';
import { entryText, SessionsText } from '../sessions-text';
import type { KvTiming } from '../timing';
import type { Trouble } from '../trouble';
import { DailyQuota } from './daily-quota';
import { type KeyLister, LocationSummaries, type LocationSummary } from './location-summaries';
import { GROUPS, OpenedLocations } from './opened-locations';
import { type Entries, forEachToStore, hasSessions, parseStored, type StoredValue } from './stored-entries';
import { WriteBudget } from './write-budget';
import { decideWrite, endedBy, type LastWrite } from './write-policy';

const KEY = 'presence:sessions';
const LIST_FAILED = 'the other locations could not be listed';
const OPENED_FAILED = 'new locations could not be read or written';
const READ_OPTIONS = { cacheTtl: KV_CACHE_TTL_SECONDS };
const NEVER = Number.NEGATIVE_INFINITY;
const NO_WRITE: LastWrite = { at: NEVER, isAlone: false };

/**
 * The part of Workers KV that is used. Without `list` the hub finds new locations only. Without `getWithMetadata` no replica counts as
 * alone in its location.
 */
export type KeyValueStore = Pick<KVNamespace, 'get' | 'put'> &
  Partial<KeyLister & Pick<KVNamespace, 'getWithMetadata'>>;

interface KvHubOptions {
  readonly kv: KeyValueStore;
  readonly timing: KvTiming;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly report: Report;
}

/**
 * The hub on Workers KV: one key per location.
 *
 * The isolates of a location merge their sessions into its key; the other locations read the summary in its metadata. KV has no
 * compare-and-set, so of two simultaneous writes one is lost. That costs time only: every isolate still holds its own sessions and
 * merges them again at its next sync.
 *
 * Locations may show different counts, because a value that KV returns elsewhere may be a minute old or more.
 * https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 */
export class KvHub implements Hub {
  readonly kind = 'kv';
  readonly #options: KvHubOptions;
  readonly #quotas: Readonly<Record<'get' | 'put' | 'list', DailyQuota>>;
  readonly #otherLocations: LocationSummaries;
  readonly #opened: OpenedLocations;
  readonly #budget = new WriteBudget();
  #key = KEY;
  /** The key from the next sync on. A sync reads and writes one key only. */
  #nextKey = KEY;
  #hasRead = false;
  #lastWrite = NO_WRITE;
  /** When another replica last wrote the key (ms), by the summaries that this one has read. */
  #peerWroteAt = NEVER;
  /** The location has too many sessions: the last sync dropped some, or did not write some. */
  #isCapped = false;

  constructor(options: KvHubOptions) {
    this.#options = options;
    const { kv, timing, runtime } = options;
    const { now } = runtime;
    this.#quotas = { get: new DailyQuota(now), put: new DailyQuota(now), list: new DailyQuota(now) };
    this.#otherLocations = new LocationSummaries(`${KEY}:`, this.#key, timing);
    const { expirationTtlSeconds: expirationTtl } = timing;
    this.#opened = new OpenedLocations(
      (key) => this.#quotas.get.run(() => kv.get(key, READ_OPTIONS)),
      (key, text) => this.#quotas.put.run(() => kv.put(key, text, { expirationTtl })),
      expirationTtl * 1000,
    );
  }

  /**
   * Sets the data centre of this isolate, as in `request.cf.colo`. The next sync uses its key. Before that the hub uses a key without a
   * location, and the sessions from there count until they expire.
   */
  locate(location: string): void {
    this.#nextKey = `${KEY}:${location.toLowerCase()}`;
    if (!this.#hasRead) this.#moveTo(this.#nextKey);
  }

  async sync(replica: Replica): Promise<SyncOutcome> {
    const key = this.#nextKey;
    const now = this.#options.runtime.now();
    replica.expire(now);
    const everywhere = this.#countEverywhere(replica, now);
    const locationsRead = Promise.all([this.#listIfDue(everywhere, now), this.#readOpened(everywhere, now)]);
    let isRefused = false;
    try {
      const read = await this.#read(key);
      if (key !== this.#nextKey) throw new Error('The location is known now, and with it another key.');
      if (key !== this.#key) this.#moveTo(key);
      isRefused = await this.#mergeAndWrite(replica, read);
    } finally {
      await this.#waitFor(locationsRead);
    }
    return { isRefused, trouble: this.#trouble() };
  }

  otherLocations(now: number): MoodCounts {
    return this.#otherLocations.counts(now);
  }

  #trouble(): Trouble | undefined {
    if (this.#otherLocations.isFailing(this.#options.runtime.now())) return 'list-failed';
    return this.#isCapped ? 'too-many-sessions' : undefined;
  }

  /** Changes the key. It runs just before the merge, otherwise the location counts neither by its summary nor by its key. */
  #moveTo(key: string): void {
    this.#key = key;
    this.#otherLocations.ownKey = key;
    this.#lastWrite = NO_WRITE;
    this.#peerWroteAt = NEVER;
  }

  async #listIfDue(everywhere: number, now: number): Promise<void> {
    const { kv, report } = this.#options;
    const { list } = kv;
    if (list === undefined || !this.#otherLocations.isDue(now, everywhere)) return;
    if (this.#otherLocations.isFailing(now)) report(LIST_FAILED, new Error('KV did not answer.'));
    const lister = { list: list.bind(kv) };
    await this.#try(LIST_FAILED, () =>
      this.#quotas.list.run(() => this.#otherLocations.refresh(lister, now)),
    );
  }

  async #readOpened(everywhere: number, now: number): Promise<void> {
    if (everywhere <= FEW_PEOPLE)
      await this.#try(OPENED_FAILED, async () => this.#otherLocations.add(await this.#opened.read(now), now));
  }

  /** Waits for work beside the sync, for a quarter of `abandonMs` at most. Otherwise the loop abandons the sync for slow work. */
  async #waitFor(work: Promise<unknown> | undefined): Promise<void> {
    const { runtime, timing } = this.#options;
    if (work !== undefined) await Promise.race([work, runtime.sleep(timing.abandonMs / 4)]);
  }

  /** Does work whose failure fails no sync, and reports the failure. Earlier summaries count until their lease ends. */
  async #try(failure: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.#options.report(failure, error));
  }

  /** Returns only parsed entries, otherwise the text of a full key takes 10 MB during the merge. */
  async #read(key: string): Promise<StoredValue> {
    const { kv, runtime, timing } = this.#options;
    const { value, metadata } = await this.#quotas.get.run(async () =>
      kv.getWithMetadata === undefined
        ? { value: await kv.get(key, READ_OPTIONS), metadata: null }
        : kv.getWithMetadata(key, READ_OPTIONS),
    );
    return parseStored(value, metadata, runtime.now(), timing);
  }

  /**
   * Merges the stored value, and writes the result if `decideWrite` says so. Returns whether KV refused the write.
   *
   * Nothing is awaited between merge and write, otherwise a request changes the replica in between.
   */
  async #mergeAndWrite(replica: Replica, read: StoredValue): Promise<boolean> {
    const { timing, runtime, report } = this.#options;
    const now = runtime.now();
    this.#hasRead = true;
    if (read.dropped > 0)
      report(`${read.dropped} stored entries could not be read; the next write repairs the value`);
    const isAlone = this.#isAlone(read, now);
    const { kept, ended } = replica.mergeStored(read.sessions, now, endedBy(isAlone, now, timing));
    const { dropped, beyond } = this.#dropBeyondMax(replica, kept, read);
    const everywhere = this.#countEverywhere(replica, now);
    const merged = { replica, stored: read.sessions, ended: ended + dropped, everywhere, isAlone };
    const writer = { lastWrite: this.#lastWrite, hasBudget: this.#budget.has(1, now) };
    if (!decideWrite({ ...merged, ...writer, now, timing })) return false;
    const text = new SessionsText();
    let skipped = 0;
    forEachToStore(replica, kept, isAlone, timing, (id, record, countsLonger) => {
      // The first records are the least important.
      if (skipped < beyond) skipped += 1;
      else text.add(entryText(id, record, countsLonger));
    });
    // Most of the budget is for ended sessions.
    const hasBudgetToOpen = this.#budget.has(WRITES_KEPT_MAX - GROUPS, now);
    const opensLocation =
      this.#key !== KEY && everywhere <= FEW_PEOPLE && hasBudgetToOpen && !hasSessions(read, now);
    return this.#put(text.toString(), replica.counts, isAlone, opensLocation);
  }

  /**
   * Whether no other replica holds a session of this location: none has written the key for `endAfterMs`. Two replicas of which each
   * was alone may both count as alone until their next syncs.
   */
  #isAlone({ summary }: StoredValue, now: number): boolean {
    if (this.#options.kv.getWithMetadata === undefined) return false;
    // KV may return an earlier write of this replica.
    if (summary !== undefined && summary.at > this.#lastWrite.at)
      this.#peerWroteAt = Math.min(summary.at, now);
    return now > this.#peerWroteAt + this.#options.timing.endAfterMs;
  }

  /**
   * Drops remote records beyond the location's limit, first tombstones and then the sessions that expire first. Own sessions always
   * count. Own tombstones do not count towards the limit of this drop. Returns how many sessions it dropped, and how many of the
   * remaining records are too many to be stored.
   */
  #dropBeyondMax(replica: Replica, kept: Entries, { isCut }: StoredValue) {
    const excess = kept.size + replica.remote.recordsSize + replica.own.size - KV_SESSIONS_MAX;
    this.#isCapped = kept.size + replica.remote.size + replica.own.size > KV_SESSIONS_MAX || isCut;
    if (this.#isCapped)
      this.#options.report(
        `this location has more than ${KV_SESSIONS_MAX} sessions; further sessions are not counted`,
      );
    const before = replica.remote.size;
    if (excess > 0) replica.dropRemote(excess);
    const dropped = before - replica.remote.size;
    const beyond = kept.size + replica.remote.recordsSize + replica.own.recordsSize - KV_SESSIONS_MAX;
    return { dropped, beyond };
  }

  /** Returns the number of present sessions in all locations that this replica knows. */
  #countEverywhere(replica: Replica, now: number): number {
    return totalOf(addCounts(replica.counts, this.otherLocations(now)));
  }

  /** Returns whether KV refused the write. `opensLocation`: other locations do not know this one yet. */
  async #put(text: string, moods: MoodCounts, isAlone: boolean, opensLocation: boolean): Promise<boolean> {
    const at = this.#options.runtime.now();
    const { leaseMs, aloneExtensionMs, expirationTtlSeconds: expirationTtl } = this.#options.timing;
    const until = at + leaseMs + (isAlone ? aloneExtensionMs : 0);
    const metadata: LocationSummary = { at, until, moods, marksRest: true };
    const added = opensLocation
      ? this.#try(OPENED_FAILED, () => this.#opened.add(this.#key, metadata))
      : undefined;
    try {
      await this.#quotas.put.run(() => this.#options.kv.put(this.#key, text, { expirationTtl, metadata }));
    } catch (error) {
      // One write a second per key: https://developers.cloudflare.com/kv/platform/limits/
      if (/\b429\b/.test(String(error))) return true;
      throw error;
    } finally {
      await this.#waitFor(added);
    }
    this.#lastWrite = { at, isAlone };
    this.#budget.spend((isAlone ? 1 : 0) + (opensLocation ? GROUPS : 0), at);
    return false;
  }
}
