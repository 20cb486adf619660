import { ALONE_PEOPLE_MAX, KV_CACHE_TTL_SECONDS, KV_SESSIONS_MAX, NEWS_SHARE } from '../../limits';
import type { Hub, SyncOutcome } from '../hub';
import { countNews } from '../news';
import type { Report } from '../rate-limited-log';
import { Roster, type RosterEntry } from '../roster';
import type { Runtime } from '../runtime';
import {
  addCounts,
  type MoodCounts,
  overrules,
  type SessionRecord,
  type SessionRecords,
  totalOf,
} from '../session';
import type { SessionTable } from '../session-table';
import { formatSessions, parseSessions, type StoredRecords } from '../stored-sessions';
import type { KvTiming } from '../timing';
import type { Trouble } from '../trouble';
import { DailyQuota } from './daily-quota';
import { type KeyLister, LocationSummaries, LocationSummary } from './location-summaries';
import { WriteAllowance } from './write-allowance';

const KEY = 'presence:sessions';
const LIST_FAILED = 'the other locations could not be listed';
const NO_PUT = { at: Number.NEGATIVE_INFINITY, rests: false };

/** The part of Workers KV that is used. Without `list` other locations are not seen; without `getWithMetadata` no replica rests. */
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
  #key = KEY;
  /** The key from the next sync on: a sync reads and writes one key. */
  #nextKey = KEY;
  readonly #timing: KvTiming;
  readonly #runtime: Pick<Runtime, 'now' | 'sleep'>;
  readonly #report: Report;
  /** What other isolates of this location heard last: their sessions, and their leaves, which are not counted. */
  #elsewhere = new Roster();
  readonly #otherLocations: LocationSummaries;
  readonly #quotas: Readonly<Record<'get' | 'put' | 'list', DailyQuota>>;
  #hasHeard = false;
  /** The last sync dropped sessions of other isolates, or did not write own ones: the location has too many. */
  #isCapped = false;
  #listings = 0;
  /** Whether the latest listing failed. */
  #hasListFailed = false;
  /** When the latest value that was read had been written (ms). */
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #earlyWrites = new WriteAllowance();
  /** Our last write: when, and whether it said that we rest. */
  #lastPut = NO_PUT;

  constructor({ kv, timing, runtime, report }: KvHubOptions) {
    this.#kv = kv;
    this.#timing = timing;
    this.#runtime = runtime;
    this.#report = report;
    this.#otherLocations = new LocationSummaries(`${KEY}:`, this.#key, timing);
    const { now } = runtime;
    this.#quotas = { get: new DailyQuota(now), put: new DailyQuota(now), list: new DailyQuota(now) };
  }

  get trouble(): Trouble | undefined {
    const isListFailing = this.#hasListFailed || this.#otherLocations.isLate(this.#runtime.now());
    if (isListFailing) return 'list-failed';
    return this.#isCapped ? 'too-many-sessions' : undefined;
  }

  /**
   * The data centre that this isolate runs in, as in `request.cf.colo`. The next sync uses its key. Before that the hub uses a
   * key without a location, and what it learned there counts until it ages.
   */
  locate(location: string): void {
    this.#nextKey = `${KEY}:${location.toLowerCase()}`;
    if (!this.#hasHeard) this.#moveTo(this.#nextKey);
  }

  /** Also while no write gets through: what was read until then holds. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  async sync(own: SessionTable): Promise<SyncOutcome> {
    const key = this.#nextKey;
    const listed = this.#listIfDue(own);
    try {
      const read = await this.#quotas.get.run(() => this.#read(key));
      if (key !== this.#nextKey) throw new Error('The location is known now, and with it another key.');
      if (key !== this.#key) this.#moveTo(key);
      const all = this.#merge(own, read);
      return all === undefined ? 'done' : await this.#put(key, own, all);
    } finally {
      // The platform ends a slow listing with its request, and the store gives up a slow sync. No request waits so long.
      if (listed !== undefined) await Promise.race([listed, this.#runtime.sleep(this.#timing.abandonMs / 4)]);
    }
  }

  counts(now: number): MoodCounts {
    this.#elsewhere.expire(now - this.#timing.remoteTtlMs);
    return addCounts(this.#elsewhere.counts, this.#otherLocations.counts(now));
  }

  last(id: string): SessionRecord | undefined {
    return this.#elsewhere.get(id);
  }

  claim(id: string): SessionRecord | undefined {
    const record = this.#elsewhere.get(id);
    // A leave stays: it counts nobody, and keeps a read that is older from bringing the session back.
    if (record !== undefined && record.mood !== null) this.#elsewhere.delete(id);
    return record;
  }

  /** Together with the merge: until then the summary of this location stands for its sessions. */
  #moveTo(key: string): void {
    this.#key = key;
    this.#otherLocations.ownKey = key;
    this.#lastPut = NO_PUT;
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  #listIfDue(own: SessionTable): Promise<void> | undefined {
    const now = this.#runtime.now();
    const people = this.#people(own, now);
    const { list } = this.#kv;
    if (list === undefined || !this.#otherLocations.isDue(now, people)) return undefined;
    if (this.#otherLocations.isLate(now)) this.#report(LIST_FAILED, new Error('KV did not answer.'));
    this.#listings += 1;
    const attempt = this.#listings;
    const lister = { list: list.bind(this.#kv) };
    const listing = this.#quotas.list.run(() => this.#otherLocations.refresh(lister, now, people));
    return listing.then(
      () => {
        if (attempt === this.#listings) this.#hasListFailed = false;
      },
      (error: unknown) => {
        // What was known of them ages as it would have anyway; our own location goes on.
        if (attempt === this.#listings) this.#hasListFailed = true;
        this.#report(LIST_FAILED, error);
      },
    );
  }

  /** Only what is parsed leaves this method: the text of a full key takes 10 MB, and the merge needs the memory. */
  async #read(key: string) {
    const options = { cacheTtl: KV_CACHE_TTL_SECONDS };
    const { value, metadata } =
      this.#kv.getWithMetadata === undefined
        ? { value: await this.#kv.get(key, options), metadata: null }
        : await this.#kv.getWithMetadata(key, options);
    const parsed = parseSessions(value, this.#runtime.now(), KV_SESSIONS_MAX);
    return { ...parsed, summary: LocationSummary.safeParse(metadata).data };
  }

  /**
   * Merges what was read, and returns what to write, if that is worth a write.
   *
   * No await in here: between the merge and the new `#elsewhere` no request may come, or it would be counted twice.
   */
  #merge(own: SessionTable, { sessions: stored, dropped, isCut, summary }: StoredValue) {
    const now = this.#runtime.now();
    if (dropped > 0)
      this.#report(`${dropped} stored entries could not be read; the next write repairs the value`);
    this.#hasHeard = true;
    const { all, elsewhere } = own.merge(this.#heardOf(stored, summary, now), now);
    this.#elsewhere = new Roster();
    const inOrder = [...elsewhere].sort(([, a], [, b]) => a.heardAt - b.heardAt);
    for (const [id, { mood, lastSeen, heardAt }] of inOrder) this.#elsewhere.set(id, mood, heardAt, lastSeen);
    this.#isCapped = this.#dropBeyondMax(all) || isCut;
    if (this.#isCapped)
      this.#report(`this location has more than ${KV_SESSIONS_MAX} sessions; those beyond are not counted`);
    return this.#isWorthPutting(own, stored, all, summary) ? all : undefined;
  }

  /**
   * Own sessions always have a place. Of the others, those are dropped that were heard longest ago. Returns whether there were any.
   * Where own sessions alone are too many, those that were heard longest ago are not written.
   */
  #dropBeyondMax(all: Map<string, SessionRecord>): boolean {
    const isBeyond = all.size > KV_SESSIONS_MAX;
    for (const sessions of [this.#elsewhere, all]) {
      for (const [id] of sessions) {
        if (all.size <= KV_SESSIONS_MAX) return isBeyond;
        this.#elsewhere.delete(id);
        all.delete(id);
      }
    }
    return isBeyond;
  }

  /**
   * What is stored, and what was known before, if it still counts. A session whose writer rests counts for so much longer, until a
   * later write says otherwise.
   */
  #heardOf(
    stored: StoredRecords,
    summary: LocationSummary | undefined,
    now: number,
  ): ReadonlyMap<string, RosterEntry> {
    const old = now - this.#timing.remoteTtlMs;
    const leaseExtensionMs = this.#restOf(summary);
    const heard = new Map<string, RosterEntry>();
    for (const [id, { mood, lastSeen, rests }] of stored) {
      const heardAt = lastSeen + (rests ? this.#timing.leaseExtensionMs : leaseExtensionMs);
      if (heardAt > old) heard.set(id, { mood, lastSeen, heardAt });
    }
    const isLater = summary !== undefined && summary.at >= this.#readAt;
    if (isLater) this.#readAt = summary.at;
    this.#elsewhere.expire(old);
    // A read may be older than the one before. What was known then still holds, and our write must not lose it.
    for (const [id, entry] of this.#elsewhere) {
      const known = isLater ? { ...entry, heardAt: entry.lastSeen } : entry;
      const read = heard.get(id);
      const isNewer = read === undefined || overrules(known, read);
      const restsLonger = read?.lastSeen === known.lastSeen && known.heardAt > read.heardAt;
      if (known.heardAt > old && (isNewer || restsLonger)) heard.set(id, known);
    }
    return heard;
  }

  /** For how much longer its writer may be silent. Version 1.0 says so in the summary only. */
  #restOf(summary: LocationSummary | undefined): number {
    return this.#saysRest(summary) && summary?.marksRest === undefined ? this.#timing.leaseExtensionMs : 0;
  }

  #saysRest(summary: LocationSummary | undefined): boolean {
    return summary !== undefined && summary.until - summary.at > this.#timing.leaseMs;
  }

  /** Every write is billed, so it must change what a reader counts. */
  #isWorthPutting(
    own: SessionTable,
    stored: StoredRecords,
    all: SessionRecords,
    summary: LocationSummary | undefined,
  ): boolean {
    const now = this.#runtime.now();
    const { refreshMs, leaseExtensionMs } = this.#timing;
    const people = this.#people(own, now);
    if (own.isEmpty) {
      // A replica without sessions refreshes nothing. When stored sessions have expired, other locations still count them.
      const present = totalOf(this.#elsewhere.counts);
      return summary !== undefined && totalOf(summary.moods) - present > people * NEWS_SHARE;
    }
    const rests = this.#isAlone(own) && this.#promisedRest(summary);
    if (now >= this.#lastPut.at + refreshMs + (rests ? leaseExtensionMs : 0)) return true;
    // The replica writes ended sessions early, as often as the free plan lets it. New sessions and moods wait for the refresh.
    if (rests) return this.#earlyWrites.isLeft(now) && hasEnded(stored, own);
    return countNews(all, stored) > people * NEWS_SHARE;
  }

  /**
   * Whether we are the only replica that has sessions, as far as we know, and few of them. Without KV's metadata no reader could
   * know that we rest.
   */
  #isAlone(own: SessionTable): boolean {
    if (this.#kv.getWithMetadata === undefined) return false;
    if (this.#elsewhere.size > 0 || !this.#otherLocations.isEmpty(this.#runtime.now())) return false;
    return totalOf(own.counts) <= ALONE_PEOPLE_MAX;
  }

  /**
   * Whether readers of the key know that we rest. Another replica may have written since; but a read that shows our last write
   * but one is no sign of that.
   */
  #promisedRest(summary: LocationSummary | undefined): boolean {
    if (summary === undefined || !this.#lastPut.rests) return false;
    return summary.at <= this.#lastPut.at && this.#saysRest(summary);
  }

  /** All people, as this replica knows. */
  #people(own: SessionTable, now: number): number {
    return totalOf(addCounts(own.counts, this.counts(now)));
  }

  async #put(key: string, own: SessionTable, all: SessionRecords): Promise<SyncOutcome> {
    const at = this.#runtime.now();
    const { leaseMs, leaseExtensionMs, expirationTtlSeconds: expirationTtl } = this.#timing;
    const rests = this.#isAlone(own);
    const until = at + leaseMs + (rests ? leaseExtensionMs : 0);
    const moods = addCounts(own.counts, this.#elsewhere.counts);
    const metadata: LocationSummary = { at, until, moods, marksRest: true };
    const isResting = (id: string) => {
      const peer = this.#elsewhere.get(id);
      return own.has(id) ? rests : peer !== undefined && peer.heardAt > peer.lastSeen;
    };
    const text = formatSessions(all, isResting);
    try {
      await this.#quotas.put.run(() => this.#kv.put(key, text, { expirationTtl, metadata }));
      this.#lastPut = { at, rests };
      if (rests) this.#earlyWrites.spend(at);
      return 'done';
    } catch (error) {
      // One write a second per key: https://developers.cloudflare.com/kv/platform/limits/
      if (/\b429\b/.test(String(error))) return 'refused';
      throw error;
    }
  }
}

/** Whether a session that its writer called resting is no longer present here. */
function hasEnded(stored: StoredRecords, own: SessionTable): boolean {
  for (const [id, { mood, rests }] of stored) if (rests && mood !== null && !own.has(id)) return true;
  return false;
}
