import {
  PUBLISH_MAX_MS,
  PUBLISHER_LATE_MS,
  REFUSED_RETRY_MAX_MS,
  REFUSED_RETRY_MIN_MS,
  RETRY_MIN_MS,
  SYNC_ABANDON_MIN_MS,
  SYNC_JITTER,
  SYNC_STALE_INTERVALS,
  SYNC_WAIT_MAX_MS,
  UNMATCHED_LEAVES_MAX,
} from '../limits';
import { type Arrival, Arrivals } from './arrivals';
import type { Hub } from './hub';
import type { Report } from './rate-limited-log';
import type { Runtime } from './runtime';
import { addCounts, type Mood, type PresenceState, type SessionRecord, totalOf } from './session';
import { SessionTable } from './session-table';
import { setLatest } from './set-latest';
import type { Timing } from './timing';
import type { Trouble } from './trouble';

/** Keeps a task alive after the response: `ctx.waitUntil`. The task never rejects. */
export type Defer = (task: Promise<void>) => void;

interface PresenceStoreOptions {
  readonly hub: Hub;
  readonly timing: Timing;
  /** With so many present sessions it is full. */
  readonly sessionsMax: number;
  readonly runtime: Runtime;
  readonly report: Report;
}

/** Why a new session does not count: too many came from its network, or the replica is full. */
export type Refusal = 'over-limit' | 'full';

/** A sync under way. Requests that must wait for it do so until `waitUntil` (ms). */
interface Flight {
  readonly startedAt: number;
  readonly waitUntil: number;
  /** How many changes had come when it started. */
  readonly changes: number;
  readonly done: Promise<void>;
}

/** A deferred task that syncs until all changes are sent. It starts no sync after `until`, and acts again by `wakesAt` (ms). */
interface Publisher {
  readonly until: number;
  wakesAt: number;
}

/**
 * The present sessions, as one Worker isolate knows them: a replica. `count = own + others`, where `own` are the sessions whose last
 * heartbeat came to this isolate, exact, and `others` is what it last heard from the hub.
 *
 * A request is answered from memory; syncs with the hub come due between requests and run after a response. A request
 * waits for a sync only where memory is empty or old, and then for at most a second. A leave or a new session at a fresh replica
 * may wait for two syncs. A hub that fails fails no request.
 *
 * It does not promise that two isolates say the same at the same moment; the hub's docstring says how far they may differ.
 */
export class PresenceStore {
  readonly #hub: Hub;
  readonly #timing: Timing;
  readonly #sessionsMax: number;
  readonly #runtime: Runtime;
  readonly #report: Report;
  readonly #own: SessionTable;
  #flight: Flight | undefined;
  #dueAt = Number.NEGATIVE_INFINITY;
  /** The next sync is due at the next request, which waits for it. */
  #isSyncUrgent = false;
  #lastAttemptAt = Number.NEGATIVE_INFINITY;
  #lastSyncAt: number | undefined;
  #failures = 0;
  /** When the hub first refused a write since it last took one. */
  #refusedSince: number | undefined;
  /** The last heartbeats of those who wait for a sync. */
  readonly #waiting = new Map<string, { readonly mood: Mood; readonly heardAt: number }>();
  readonly #arrivals = new Arrivals();
  /** When leaves came of sessions that were unknown here (ms). A later sync may bring those sessions. */
  readonly #unmatchedLeaves = new Map<string, number>();
  /** How many heartbeats and leaves changed a session here, and how many of these changes reached the hub. */
  #changes = 0;
  #sent = 0;
  #publisher: Publisher | undefined;

  constructor({ hub, timing, sessionsMax, runtime, report }: PresenceStoreOptions) {
    this.#hub = hub;
    this.#timing = timing;
    this.#sessionsMax = sessionsMax;
    this.#runtime = runtime;
    this.#report = report;
    this.#own = new SessionTable(timing, sessionsMax);
  }

  /**
   * A heartbeat of any session. A new one first waits for the first sync, before which every session looks new, and for
   * `isWithinLimit`. Requests of one session keep their order of arrival.
   */
  arrive(
    id: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: () => Promise<boolean>,
  ): Promise<PresenceState | Refusal> {
    // Not async: a warm heartbeat waits for one promise less.
    return this.#admit(id) === 'known'
      ? this.heartbeat(id, mood, defer)
      : this.#arriveNew(id, mood, defer, isWithinLimit);
  }

  async #arriveNew(
    id: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: () => Promise<boolean>,
  ): Promise<PresenceState | Refusal> {
    const arrival = this.#arrivals.add(id, this.#runtime.now());
    await this.#firstSync(defer);
    const isWithin = this.#admit(id) !== 'new' || (await isWithinLimit());
    // The session may have become known meanwhile. From here to its heartbeat nothing may be awaited.
    const admission = this.#admit(id);
    const refusal =
      admission === 'full' ? 'full' : admission === 'new' && !isWithin ? 'over-limit' : undefined;
    if (refusal === undefined) return this.heartbeat(id, mood, defer, arrival);
    this.#arrivals.cancel(arrival);
    if (refusal === 'full') this.#report('the isolate is full: new sessions are refused');
    return refusal;
  }

  /** A known session is one that this replica or, as far as it knows, another one heard. */
  #admit(id: string): 'known' | 'new' | 'full' {
    if (this.#isKnown(id)) return 'known';
    return this.#isFull() ? 'full' : 'new';
  }

  #isFull(): boolean {
    this.#own.expire(this.#runtime.now());
    return this.#own.liveCount >= this.#sessionsMax;
  }

  async #firstSync(defer: Defer): Promise<void> {
    if (this.#hub.hasHeard) return;
    await this.#syncIfDue(this.#runtime.now(), defer);
    // The session comes after that sync. Without another one the hub, and with it other replicas, learn of it an interval later.
    if (this.#hub.hasHeard) this.#isSyncUrgent = true;
  }

  /** The next request starts a sync and waits for it. */
  hurry(): void {
    this.#isSyncUrgent = true;
  }

  /**
   * A heartbeat of an admitted session. The answer counts its session, unless a leave overtook it.
   *
   * @param arrival For a heartbeat that has waited.
   */
  async heartbeat(id: string, mood: Mood, defer: Defer, arrival?: Arrival): Promise<PresenceState> {
    const now = this.#runtime.now();
    this.#arrivals.overtake(id, arrival);
    // What does not count is answered as a read, which may wait for a sync.
    if (arrival?.isOvertaken) return this.presence(defer);
    const heardAt = arrival?.at ?? now;
    const later = arrival === undefined ? undefined : this.#laterThan(arrival, now);
    // The session left at another replica after this heartbeat came.
    if (later?.mood === null) return this.presence(defer);
    this.#unmatchedLeaves.delete(id);
    this.#own.touch(id, later?.mood ?? mood, heardAt, this.#hub.claim(id));
    this.#changes += 1;
    const sync = this.#syncIfDue(now, defer);
    this.#publish(now, defer);
    if (sync === undefined) return this.#state(now);
    this.#waiting.set(id, { mood, heardAt });
    await sync;
    this.#insist(id);
    return this.#state(this.#runtime.now());
  }

  /** Ends a session. A leave for an unknown session does nothing, unless a later sync brings that session. */
  async leave(id: string, defer: Defer): Promise<void> {
    const heardAt = this.#runtime.now();
    this.#arrivals.overtake(id);
    this.#waiting.delete(id);
    const isKnown = this.#isKnown(id) && this.#own.leave(id, heardAt, this.#hub.claim(id));
    if (isKnown) this.#changes += 1;
    // The hub must not learn of an unknown id: anybody can make up any number of them.
    else setLatest(this.#unmatchedLeaves, id, heardAt, UNMATCHED_LEAVES_MAX);
    const sync = this.#syncIfDue(heardAt, defer);
    this.#publish(heardAt, defer);
    if (sync === undefined) return;
    const awaited = this.#flight;
    await sync;
    this.#matchLeaves();
    // That sync has brought the session, so another one sends the leave. The replica may not live to see a later one.
    const isMatched = !isKnown && this.#own.last(id)?.mood === null;
    const next = this.#flight;
    if (isMatched && next !== undefined && next !== awaited) await this.#within(next, SYNC_WAIT_MAX_MS);
  }

  async presence(defer: Defer): Promise<PresenceState> {
    await this.#syncIfDue(this.#runtime.now(), defer);
    return this.#state(this.#runtime.now());
  }

  /** The state of the sync, without any I/O. `lastSyncAgeMs` is null before the first sync, and where there is no hub. */
  health(): { hub: Hub['kind']; lastSyncAgeMs: number | null; trouble: Trouble | undefined } {
    const { kind, trouble } = this.#hub;
    const now = this.#runtime.now();
    const syncedAt = kind === 'none' ? undefined : this.#lastSyncAt;
    const lastSyncAgeMs = syncedAt === undefined ? null : Math.max(0, now - syncedAt);
    const isFailing = this.#failures > 0 || this.#isSilent(now) || this.#isRefused(now);
    const full = this.#isFull() ? 'too-many-sessions' : undefined;
    return { hub: kind, lastSyncAgeMs, trouble: isFailing ? 'sync-failed' : (trouble ?? full) };
  }

  #isSilent(now: number): boolean {
    return this.#flight !== undefined && now >= this.#flight.startedAt + this.#timing.abandonMs;
  }

  /** Whether the hub has refused what this replica holds for so long that other replicas no longer count it. */
  #isRefused(now: number): boolean {
    return this.#refusedSince !== undefined && now >= this.#refusedSince + this.#timing.remoteTtlMs;
  }

  #state(timestamp: number): PresenceState {
    this.#own.expire(timestamp);
    const moods = addCounts(this.#own.counts, this.#hub.counts(timestamp));
    return { count: totalOf(moods), moods, timestamp };
  }

  /** What another replica heard of the session while its heartbeat waited here. */
  #laterThan({ id, at }: Arrival, now: number): SessionRecord | undefined {
    const theirs = this.#hub.last(id);
    return theirs !== undefined && theirs.lastSeen > at && theirs.lastSeen <= now ? theirs : undefined;
  }

  #isKnown(id: string): boolean {
    return this.#own.last(id) !== undefined || this.#hub.last(id) !== undefined;
  }

  /** Ends the sessions that a sync has brought and whose leave came here before. Returns whether there were any. */
  #matchLeaves(): boolean {
    const forgottenAt = this.#runtime.now() - this.#timing.remoteTtlMs;
    let isMatched = false;
    for (const [id, leftAt] of this.#unmatchedLeaves) {
      const theirs = this.#hub.last(id);
      const isPresent = theirs !== undefined && theirs.mood !== null;
      if (isPresent || leftAt <= forgottenAt) this.#unmatchedLeaves.delete(id);
      // A later heartbeat at another replica means that the session came back.
      if (!isPresent || theirs.lastSeen > leftAt) continue;
      this.#own.leave(id, leftAt, this.#hub.claim(id));
      this.#changes += 1;
      isMatched = true;
    }
    return isMatched;
  }

  /**
   * The hub may know of a leave stamped later, perhaps by a clock that is ahead. Nobody is lost for that: a heartbeat that
   * waited counts as of that moment, unless a leave came here meanwhile, and the last one of those that waited decides the
   * mood. But if another replica has heard a heartbeat while it waited, that one's mood is the later one.
   */
  #insist(id: string): void {
    const heartbeat = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (heartbeat === undefined || this.#own.has(id)) return;
    const theirs = this.#hub.claim(id);
    const isLater = theirs !== undefined && theirs.lastSeen <= this.#runtime.now();
    // Of a leave and a heartbeat of one time the heartbeat wins, so it need not be stamped later than the leave.
    const known = theirs?.mood === null ? { ...theirs, lastSeen: theirs.lastSeen - 1 } : theirs;
    this.#own.touch(id, (isLater ? theirs.mood : null) ?? heartbeat.mood, heartbeat.heardAt, known);
  }

  /** The platform ends a request when its client disconnects. That request never sees the end of the sync. */
  #insistAll(): void {
    for (const id of this.#waiting.keys()) this.#insist(id);
  }

  /** Starts a sync if one is due. Returns a promise if the result of the one under way must be waited for. */
  #syncIfDue(now: number, defer: Defer): Promise<void> | undefined {
    this.#giveUpSilentSync(now);
    if (this.#flight === undefined && (now >= this.#dueAt || this.#isSyncUrgent)) {
      const isStale = now - this.#lastAttemptAt > SYNC_STALE_INTERVALS * this.#timing.syncIntervalMs;
      this.#startSync(!this.#hub.hasHeard || isStale || this.#isSyncUrgent, defer);
    }
    return this.#wait(this.#flight);
  }

  /** A sync whose request has ended never settles, and must not block the next one. */
  #giveUpSilentSync(now: number): void {
    if (this.#flight === undefined || !this.#isSilent(now)) return;
    const abandonedAt = this.#flight.startedAt + this.#timing.abandonMs;
    this.#fail(this.#flight, abandonedAt, new Error('The hub did not answer.'));
  }

  /**
   * Sends what has changed even if no request follows: at the next sync, or before the platform ends the deferred task.
   * A publisher that is near its end, or whose request has ended, is replaced; otherwise the change waits for a request.
   */
  #publish(now: number, defer: Defer): void {
    if (!this.#timing.publishes) return;
    const publisher = this.#publisher;
    const isAtWork =
      publisher !== undefined &&
      now < publisher.until - SYNC_ABANDON_MIN_MS &&
      now <= publisher.wakesAt + PUBLISHER_LATE_MS;
    if (!isAtWork) defer(this.#runPublisher(now + PUBLISH_MAX_MS, defer));
  }

  async #runPublisher(until: number, defer: Defer): Promise<void> {
    const publisher: Publisher = { until, wakesAt: until };
    this.#publisher = publisher;
    for (;;) {
      const now = this.#runtime.now();
      if (this.#publisher !== publisher) return;
      if (this.#sent >= this.#changes) break;
      this.#giveUpSilentSync(now);
      const isLast = now >= until;
      if (this.#flight === undefined && (now >= this.#dueAt || isLast)) this.#startSync(false, defer);
      if (isLast) break;
      const flight = this.#flight;
      const nextAt = flight === undefined ? this.#dueAt : flight.startedAt + this.#timing.abandonMs;
      publisher.wakesAt = Math.min(Math.ceil(nextAt), until);
      const sleep = this.#runtime.sleep(publisher.wakesAt - now);
      await (flight === undefined ? sleep : Promise.race([sleep, flight.done]));
    }
    this.#publisher = undefined;
  }

  /** Waits for a sync as long as it must be waited for, if it must be at all. */
  #wait(flight: Flight | undefined): Promise<void> | undefined {
    if (flight === undefined) return undefined;
    const leftMs = flight.waitUntil - this.#runtime.now();
    return leftMs > 0 ? this.#within(flight, leftMs) : undefined;
  }

  #within(flight: Flight, ms: number): Promise<void> {
    return Promise.race([flight.done, this.#runtime.sleep(ms)]);
  }

  /** `needed` says whether requests must wait for it. */
  #startSync(needed: boolean, defer: Defer): Flight {
    const now = this.#runtime.now();
    const sync = this.#hub.sync(this.#own);
    const flight: Flight = {
      startedAt: now,
      waitUntil: needed ? now + SYNC_WAIT_MAX_MS : now,
      changes: this.#changes,
      done: sync.then(
        (outcome) => this.#succeed(flight, outcome === 'refused', defer),
        (error: unknown) => this.#fail(flight, this.#runtime.now(), error),
      ),
    };
    this.#flight = flight;
    this.#isSyncUrgent = false;
    this.#lastAttemptAt = now;
    // Other requests may wait for this sync, so it must outlive the one that started it.
    defer(flight.done);
    return flight;
  }

  #succeed(flight: Flight, refused: boolean, defer: Defer): void {
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    this.#failures = 0;
    if (refused) this.#refusedSince ??= flight.startedAt;
    else this.#refusedSince = undefined;
    if (!refused) this.#sent = flight.changes;
    this.#insistAll();
    const isLeaveMatched = this.#matchLeaves();
    const now = this.#runtime.now();
    if (this.#isRefused(now)) this.#report('the hub refuses all writes; other isolates miss our sessions');
    this.#lastSyncAt = now;
    this.#dueAt = refused
      ? now + this.#between(REFUSED_RETRY_MIN_MS, REFUSED_RETRY_MAX_MS)
      : flight.startedAt + this.#jittered(this.#timing.syncIntervalMs);
    if (isLeaveMatched && !refused) this.#startSync(false, defer);
  }

  #fail(flight: Flight, failedAt: number, error: unknown): void {
    // A sync that was given up may still end one day; by then another one counts.
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    this.#insistAll();
    this.#matchLeaves();
    const backoffMs = Math.min(RETRY_MIN_MS * 2 ** this.#failures, this.#timing.syncIntervalMs);
    this.#failures += 1;
    this.#dueAt = failedAt + this.#jittered(backoffMs);
    this.#report(`sync ${this.#failures} in a row failed; answering from memory`, error);
  }

  #jittered(ms: number): number {
    return ms * this.#between(1 - SYNC_JITTER, 1 + SYNC_JITTER);
  }

  #between(min: number, max: number): number {
    return min + this.#runtime.random() * (max - min);
  }
}
