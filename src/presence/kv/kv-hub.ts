import { KV_CACHE_TTL_SECONDS, KV_SESSIONS_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';
import type { Hub, SyncOutcome } from '../hub';
import type { Replica } from '../replica';
import { addCounts, type MoodCounts, type SessionRecord, type SessionRecords, totalOf } from '../session';
import { formatSessions, parseSessions, type StoredRecord } from '../stored-sessions';
import type { KvTiming } from '../timing';
import type { Trouble } from '../trouble';
import { DailyQuota } from './daily-quota';
import { EarlyWrites } from './early-writes';
import { type KeyLister, LocationSummaries, LocationSummary } from './location-summaries';
import { StoredReads } from './stored-reads';
import { decideWrite, type LastWrite } from './write-policy';

const KEY = 'presence:sessions';
const LIST_FAILED = 'the other locations could not be listed';
const NO_WRITE: LastWrite = { at: Number.NEGATIVE_INFINITY, extendsLease: false };

/**
 * The part of Workers KV that is used. Without `list` other locations are not seen. Without `getWithMetadata` no reader knows
 * an extended lease, so no replica extends it.
 */
export type KeyValueStore = Pick<KVNamespace, 'get' | 'put'> &
  Partial<KeyLister & Pick<KVNamespace, 'getWithMetadata'>>;

/** The sessions of the location's key, and its summary. */
type StoredValue = ReturnType<typeof parseSessions> & { readonly summary: LocationSummary | undefined };

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
 * compare-and-set, so of two isolates that write at once one loses. That costs time only: every isolate still holds its own
 * sessions and merges them again at its next sync.
 *
 * Locations do not agree at each moment: what KV shows elsewhere may be a minute old or more.
 * https://developers.cloudflare.com/kv/concepts/how-kv-works/#consistency
 */
export class KvHub implements Hub {
  readonly kind = 'kv';
  readonly #options: KvHubOptions;
  readonly #quotas: Readonly<Record<'get' | 'put' | 'list', DailyQuota>>;
  readonly #otherLocations: LocationSummaries;
  readonly #earlyWrites = new EarlyWrites();
  #key = KEY;
  /** The key from the next sync on: a sync reads and writes one key. */
  #nextKey = KEY;
  #reads: StoredReads;
  #hasRead = false;
  #lastWrite = NO_WRITE;
  /** The location has too many sessions: the last sync dropped some, or did not write some. */
  #isCapped = false;

  constructor(options: KvHubOptions) {
    this.#options = options;
    const { timing, runtime } = options;
    const { now } = runtime;
    this.#reads = new StoredReads(timing);
    this.#otherLocations = new LocationSummaries(`${KEY}:`, this.#key, timing);
    this.#quotas = { get: new DailyQuota(now), put: new DailyQuota(now), list: new DailyQuota(now) };
  }

  /**
   * The data centre that this isolate runs in, as in `request.cf.colo`. The next sync uses its key. Before that the hub uses a
   * key without a location, and what it read there counts until it ages.
   */
  locate(location: string): void {
    this.#nextKey = `${KEY}:${location.toLowerCase()}`;
    if (!this.#hasRead) this.#moveTo(this.#nextKey);
  }

  async sync(replica: Replica): Promise<SyncOutcome> {
    const key = this.#nextKey;
    const listed = this.#listIfDue(replica);
    let isRefused = false;
    try {
      const read = await this.#quotas.get.run(() => this.#read(key));
      if (key !== this.#nextKey) throw new Error('The location is known now, and with it another key.');
      if (key !== this.#key) this.#moveTo(key);
      isRefused = await this.#mergeAndWrite(key, replica, read);
    } finally {
      // The platform ends a slow listing with its request, and the loop abandons a slow sync. No request waits so long.
      if (listed !== undefined)
        await Promise.race([listed, this.#options.runtime.sleep(this.#options.timing.abandonMs / 4)]);
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

  /** Runs just before the merge, otherwise the sessions of this location count neither by its summary nor by its key. */
  #moveTo(key: string): void {
    this.#key = key;
    this.#otherLocations.ownKey = key;
    this.#lastWrite = NO_WRITE;
    this.#reads = new StoredReads(this.#options.timing);
  }

  #listIfDue(replica: Replica): Promise<void> | undefined {
    const now = this.#options.runtime.now();
    replica.expire(now);
    const everywhere = this.#countEverywhere(replica, now);
    const { list } = this.#options.kv;
    if (list === undefined || !this.#otherLocations.isDue(now, everywhere)) return undefined;
    if (this.#otherLocations.isFailing(now))
      this.#options.report(LIST_FAILED, new Error('KV did not answer.'));
    const lister = { list: list.bind(this.#options.kv) };
    const listing = this.#quotas.list.run(() => this.#otherLocations.refresh(lister, now, everywhere));
    // The summaries of before count until their lease ends.
    return listing.catch((error: unknown) => this.#options.report(LIST_FAILED, error));
  }

  /** Only what is parsed leaves this method: the text of a full key takes 10 MB, and the merge needs the memory. */
  async #read(key: string): Promise<StoredValue> {
    const options = { cacheTtl: KV_CACHE_TTL_SECONDS };
    const { value, metadata } =
      this.#options.kv.getWithMetadata === undefined
        ? { value: await this.#options.kv.get(key, options), metadata: null }
        : await this.#options.kv.getWithMetadata(key, options);
    const parsed = parseSessions(value, this.#options.runtime.now(), KV_SESSIONS_MAX);
    return { ...parsed, summary: LocationSummary.safeParse(metadata).data };
  }

  /**
   * Merges what was read, and writes the result if that is worth a write. Returns whether KV refused the write.
   *
   * Nothing is awaited before the write. Otherwise a request could change the replica between merge and write.
   */
  async #mergeAndWrite(key: string, replica: Replica, read: StoredValue): Promise<boolean> {
    const now = this.#options.runtime.now();
    this.#hasRead = true;
    const { sessions: stored, summary, dropped } = read;
    if (dropped > 0)
      this.#options.report(`${dropped} stored entries could not be read; the next write repairs the value`);
    const kept = replica.replaceRemote(this.#reads.join(stored, summary, replica.remote, now), now);
    const beyond = this.#dropBeyondMax(replica, kept, read);
    const { write, extendsLease } = decideWrite({
      replica,
      stored,
      kept,
      summary,
      everywhere: this.#countEverywhere(replica, now),
      hasOtherLocations: !this.#otherLocations.isEmpty(now),
      canExtendLease: this.#options.kv.getWithMetadata !== undefined,
      lastWrite: this.#lastWrite,
      hasEarlyWrite: this.#earlyWrites.has(now),
      now,
      timing: this.#options.timing,
    });
    if (!write) return false;
    const entries = entriesToStore(replica, kept, extendsLease, this.#options.timing);
    // The first entries expire first, so the write skips them.
    for (let skipped = 0; skipped < beyond; skipped += 1) entries.next();
    return this.#put(key, formatSessions(entries), replica.counts, extendsLease);
  }

  /**
   * Drops remote sessions beyond the location's limit, those first that expire first. Own sessions always count. Returns how many
   * entries are still too many to be stored.
   */
  #dropBeyondMax(replica: Replica, kept: SessionRecords, { isCut }: StoredValue): number {
    const excess = kept.size + replica.remote.recordsSize + replica.own.recordsSize - KV_SESSIONS_MAX;
    this.#isCapped = excess > 0 || isCut;
    if (this.#isCapped)
      this.#options.report(
        `this location has more than ${KV_SESSIONS_MAX} sessions; further sessions are not counted`,
      );
    if (excess <= 0) return 0;
    return excess - replica.dropRemote(excess);
  }

  /** All present sessions, as far as this replica knows. */
  #countEverywhere(replica: Replica, now: number): number {
    return totalOf(addCounts(replica.counts, this.otherLocations(now)));
  }

  /** Returns whether KV refused the write. */
  async #put(key: string, text: string, moods: MoodCounts, extendsLease: boolean): Promise<boolean> {
    const at = this.#options.runtime.now();
    const { leaseMs, leaseExtensionMs, expirationTtlSeconds: expirationTtl } = this.#options.timing;
    const until = at + leaseMs + (extendsLease ? leaseExtensionMs : 0);
    const metadata: LocationSummary = { at, until, moods, marksRest: true };
    try {
      await this.#quotas.put.run(() => this.#options.kv.put(key, text, { expirationTtl, metadata }));
    } catch (error) {
      // One write a second per key: https://developers.cloudflare.com/kv/platform/limits/
      if (/\b429\b/.test(String(error))) return true;
      throw error;
    }
    this.#lastWrite = { at, extendsLease };
    if (extendsLease) this.#earlyWrites.spend(at);
    return false;
  }
}

/** What the key is to hold. Each session says whether its writer extends its lease. */
function* entriesToStore(
  replica: Replica,
  kept: SessionRecords,
  extendsLease: boolean,
  { remoteTtlMs }: KvTiming,
): IterableIterator<[string, StoredRecord]> {
  for (const [id, record] of kept) yield [id, toStore(record, false)];
  for (const [id, record] of replica.remote)
    yield [id, toStore(record, record.expiresAt > record.lastSeen + remoteTtlMs)];
  for (const [id, record] of replica.own) yield [id, toStore(record, extendsLease && record.mood !== null)];
}

/** The field `rests` is part of the stored format. */
function toStore(record: SessionRecord, isExtended: boolean): StoredRecord {
  return isExtended ? { ...record, rests: true } : record;
}
