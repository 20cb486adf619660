import {
  REFUSED_RETRY_MAX_MS,
  REFUSED_RETRY_MIN_MS,
  RETRY_MIN_MS,
  SYNC_ABANDON_MS,
  SYNC_JITTER,
  SYNC_PLAN_INTERVAL_MAX_MS,
  SYNC_STALE_INTERVALS,
  SYNC_WAIT_MAX_MS,
} from '../limits';
import type { Hub } from './hub';
import { addCounts, type Mood, type PresenceState, totalOf } from './session';
import { SessionTable } from './session-table';
import type { Timing } from './timing';
import type { Report } from './trouble-log';
import type { World } from './world';

/** Keeps a task alive after the response: `ctx.waitUntil`. The task never rejects. */
export type Defer = (task: Promise<void>) => void;

interface PresenceStoreOptions {
  readonly hub: Hub;
  readonly timing: Timing;
  /** From so many sessions on it is full. */
  readonly sessionsMax: number;
  readonly world: World;
  readonly report: Report;
}

/** A sync under way. Requests that must wait for it do so until `waitUntil` (ms). */
interface Flight {
  readonly startedAt: number;
  readonly waitUntil: number;
  /** How many heartbeats and leaves had come when it started. */
  readonly changes: number;
  readonly done: Promise<void>;
}

/**
 * Who is here, as one Worker isolate knows it: a replica. `count = own + others`, where `own` are the sessions whose last
 * heartbeat came to this isolate, exact, and `others` is what it last heard from the hub.
 *
 * A request is answered from memory; syncs with the hub come due between requests and run after a response. A request
 * waits for one only where memory is empty or old, and then for at most a second (a leave that meets a fresh replica: two).
 * A hub that fails fails no request.
 *
 * It does not promise that two isolates say the same at the same moment; the hub's docstring says how far they may differ.
 */
export class PresenceStore {
  readonly #hub: Hub;
  readonly #timing: Timing;
  readonly #sessionsMax: number;
  readonly #world: World;
  readonly #report: Report;
  readonly #own: SessionTable;
  #flight: Flight | undefined;
  #dueAt = Number.NEGATIVE_INFINITY;
  #lastAttemptAt = Number.NEGATIVE_INFINITY;
  #lastSyncAt: number | undefined;
  #failures = 0;
  /** The last heartbeats of those who wait for a sync. */
  readonly #waiting = new Map<string, { readonly mood: Mood; readonly heardAt: number }>();
  /** How many heartbeats and leaves have come, and how many of them a sync has told the hub. */
  #changes = 0;
  #told = 0;
  #tellingUntil = Number.NEGATIVE_INFINITY;

  constructor({ hub, timing, sessionsMax, world, report }: PresenceStoreOptions) {
    this.#hub = hub;
    this.#timing = timing;
    this.#sessionsMax = sessionsMax;
    this.#world = world;
    this.#report = report;
    this.#own = new SessionTable(timing);
  }

  /** Whether the session was heard lately, here or elsewhere. Before it has heard from the hub a replica knows nobody from elsewhere. */
  isKnown(id: string): boolean {
    return this.#own.last(id) !== undefined || this.#hub.knows(id);
  }

  /** Whether it has heard from the hub at all. */
  get hasHeard(): boolean {
    return this.#hub.hasHeard;
  }

  /** Whether it takes in no new sessions. Known ones it does always. */
  isFull(): boolean {
    this.#own.expire(this.#world.now());
    return this.#own.size >= this.#sessionsMax;
  }

  /** Somebody is here, in this mood. The answer counts the caller. */
  async heartbeat(id: string, mood: Mood, defer: Defer): Promise<PresenceState> {
    const heardAt = this.#world.now();
    this.#own.touch(id, mood, heardAt, this.#hub.claim(id));
    this.#changes += 1;
    const sync = this.#syncIfDue(heardAt, defer);
    this.#tellSoon(heardAt, defer);
    if (sync === undefined) return this.#state(heardAt);
    this.#waiting.set(id, { mood, heardAt });
    await sync;
    this.#insist(id);
    return this.#state(this.#world.now());
  }

  /** Somebody goes. Whom nobody knows has gone already. */
  async leave(id: string, defer: Defer): Promise<void> {
    const heardAt = this.#world.now();
    this.#waiting.delete(id);
    // An id that nobody knows must leave no trace anywhere: anybody can make up any number of them.
    const known = this.isKnown(id) && this.#own.leave(id, heardAt, this.#hub.claim(id));
    if (known) this.#changes += 1;
    const sync = this.#syncIfDue(heardAt, defer);
    this.#tellSoon(heardAt, defer);
    await sync;
    // A fresh replica knows nobody before its first sync. If that brings the session, and no heartbeat came meanwhile, the
    // replica tells of the leave at once: it may not live to see another sync.
    if (known || sync === undefined || this.#own.has(id) || this.#waiting.has(id)) return;
    if (this.#leaveLate(id, heardAt) && this.#flight === undefined)
      await this.#wait(this.#startSync(true, defer));
  }

  async presence(defer: Defer): Promise<PresenceState> {
    await this.#syncIfDue(this.#world.now(), defer);
    return this.#state(this.#world.now());
  }

  /**
   * The state of the sync, without any I/O. `degraded` means that the last attempt failed; `lastSyncAgeMs` is null before
   * the first one that did not, and where there is no hub to hear from.
   */
  health(): { status: 'ok' | 'degraded'; hub: Hub['kind']; lastSyncAgeMs: number | null } {
    const { kind } = this.#hub;
    const heardAt = kind === 'none' ? undefined : this.#lastSyncAt;
    const lastSyncAgeMs = heardAt === undefined ? null : Math.max(0, this.#world.now() - heardAt);
    return { status: this.#failures === 0 ? 'ok' : 'degraded', hub: kind, lastSyncAgeMs };
  }

  #state(timestamp: number): PresenceState {
    this.#own.expire(timestamp);
    const moods = addCounts(this.#own.counts, this.#hub.counts(timestamp));
    return { count: totalOf(moods), moods, timestamp };
  }

  /** A leave that came at `heardAt`, of somebody of whom the hub may have told since. Returns whether it was one. */
  #leaveLate(id: string, heardAt: number): boolean {
    if (!this.#hub.knows(id)) return false;
    const theirs = this.#hub.claim(id);
    if (theirs === undefined || theirs.mood === null) return false;
    // Another replica has heard him since: he came back.
    if (theirs.lastSeen > heardAt) this.#own.touch(id, theirs.mood, heardAt, theirs);
    else this.#own.leave(id, heardAt, theirs);
    return true;
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
    const isLater = theirs !== undefined && theirs.lastSeen <= this.#world.now();
    // Of a leave and a heartbeat of one time the heartbeat wins, so it need not be stamped later than the leave.
    const known = theirs?.mood === null ? { ...theirs, lastSeen: theirs.lastSeen - 1 } : theirs;
    this.#own.touch(id, (isLater ? theirs.mood : null) ?? heartbeat.mood, heartbeat.heardAt, known);
  }

  /** The platform lets go of a request whose client has gone away, and it never learns that the sync has ended. */
  #insistAll(): void {
    for (const id of this.#waiting.keys()) this.#insist(id);
  }

  /** Starts a sync if one is due. Returns a promise if the result of the one under way must be waited for. */
  #syncIfDue(now: number, defer: Defer): Promise<void> | undefined {
    if (this.#flight !== undefined) {
      const abandonAt = this.#flight.startedAt + SYNC_ABANDON_MS;
      if (now >= abandonAt) this.#fail(this.#flight, abandonAt, new Error('The hub did not answer.'));
    }
    if (this.#flight === undefined && now >= this.#dueAt) {
      const stale = now - this.#lastAttemptAt > SYNC_STALE_INTERVALS * this.#timing.syncIntervalMs;
      this.#startSync(!this.#hub.hasHeard || stale, defer);
    }
    return this.#wait(this.#flight);
  }

  /**
   * Sees to it that what has come is told even if no request follows, where syncs are so frequent that they can be waited
   * for after the response. If they fail it tries again, for as long as the platform lets it.
   */
  #tellSoon(now: number, defer: Defer): void {
    if (now < this.#tellingUntil || this.#timing.syncIntervalMs > SYNC_PLAN_INTERVAL_MAX_MS) return;
    this.#tellingUntil = now + SYNC_ABANDON_MS;
    defer(this.#keepTelling(defer));
  }

  async #keepTelling(defer: Defer): Promise<void> {
    const until = this.#tellingUntil;
    for (let now = this.#world.now(); now < until && this.#told < this.#changes; now = this.#world.now()) {
      if (this.#flight === undefined && now >= this.#dueAt) this.#startSync(false, defer);
      const flight = this.#flight;
      const waitMs = flight === undefined ? Math.ceil(this.#dueAt - now) : until - now;
      await Promise.race([this.#world.sleep(waitMs), ...(flight === undefined ? [] : [flight.done])]);
    }
    this.#tellingUntil = Number.NEGATIVE_INFINITY;
  }

  /** Waits for a sync as long as it must be waited for, if it must be at all. */
  #wait(flight: Flight | undefined): Promise<void> | undefined {
    if (flight === undefined) return undefined;
    const now = this.#world.now();
    if (now >= flight.waitUntil) return undefined;
    return Promise.race([flight.done, this.#world.sleep(flight.waitUntil - now)]);
  }

  /** `needed` says whether requests must wait for it. */
  #startSync(needed: boolean, defer: Defer): Flight {
    const now = this.#world.now();
    const sync = this.#hub.sync(this.#own);
    const flight: Flight = {
      startedAt: now,
      waitUntil: needed ? now + SYNC_WAIT_MAX_MS : now,
      changes: this.#changes,
      done: sync.then(
        (outcome) => this.#succeed(flight, outcome === 'refused'),
        (error: unknown) => this.#fail(flight, this.#world.now(), error),
      ),
    };
    this.#flight = flight;
    this.#lastAttemptAt = now;
    // Other requests may wait for this sync, so it must outlive the one that started it.
    defer(flight.done);
    return flight;
  }

  #succeed(flight: Flight, refused: boolean): void {
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    this.#failures = 0;
    if (!refused) this.#told = flight.changes;
    this.#insistAll();
    const now = this.#world.now();
    this.#lastSyncAt = now;
    this.#dueAt = refused
      ? now + this.#between(REFUSED_RETRY_MIN_MS, REFUSED_RETRY_MAX_MS)
      : flight.startedAt + this.#jittered(this.#timing.syncIntervalMs);
  }

  #fail(flight: Flight, failedAt: number, error: unknown): void {
    // A sync that was given up may still end one day; by then another one counts.
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    this.#insistAll();
    const backoffMs = Math.min(RETRY_MIN_MS * 2 ** this.#failures, this.#timing.syncIntervalMs);
    this.#failures += 1;
    this.#dueAt = failedAt + this.#jittered(backoffMs);
    this.#report(`sync ${this.#failures} in a row failed; answering from memory`, error);
  }

  #jittered(ms: number): number {
    return ms * this.#between(1 - SYNC_JITTER, 1 + SYNC_JITTER);
  }

  #between(min: number, max: number): number {
    return min + this.#world.random() * (max - min);
  }
}
