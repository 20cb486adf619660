import {
  FLUSH_LATE_MS,
  FLUSH_MAX_MS,
  REFUSED_RETRY_MAX_MS,
  REFUSED_RETRY_MIN_MS,
  RETRY_MIN_MS,
  SYNC_ABANDON_MIN_MS,
  SYNC_JITTER,
  SYNC_STALE_INTERVALS,
  SYNC_WAIT_MAX_MS,
} from '../limits';
import type { Report } from '../rate-limited-log';
import type { Runtime } from '../runtime';
import type { Hub, SyncOutcome } from './hub';
import type { Replica } from './replica';
import type { Timing } from './timing';
import type { Trouble } from './trouble';

/** Keeps a task alive after the response: `ctx.waitUntil`. The task never rejects. */
export type Defer = (task: Promise<void>) => void;

interface Running {
  readonly kind: 'running';
  readonly startedAt: number;
  /** Requests wait for this sync until then (ms). */
  readonly waitUntil: number;
  /** The revision of the sessions that it sends. */
  readonly revision: number;
  readonly done: Promise<void>;
}

type SyncState = { readonly kind: 'idle'; readonly dueAt: number } | Running;

/** A deferred task that syncs until all changes are sent. */
interface Flush {
  /** The flush starts no sync after this time (ms), because the platform ends it soon after. */
  readonly until: number;
  /** When the flush runs next (ms). One that is late has ended with its request. */
  nextStepAt: number;
}

export interface SyncLoopOptions {
  readonly hub: Hub;
  readonly replica: Replica;
  readonly timing: Timing;
  readonly runtime: Runtime;
  readonly report: Report;
}

/**
 * Decides when a replica syncs with its hub, and which requests wait for that. It holds no sessions.
 *
 * A sync starts with the first request or flush after it is due, and runs after the response. A request waits for it only if the
 * replica has never synced, or if the last sync is stale. It waits for at most a second. The loop runs one sync at a time.
 *
 * The platform ends a request's deferred work 30 s after the response. At a CPU or memory limit it ends that at once. Its promises
 * never settle. So the loop abandons a sync that takes too long, and replaces a flush that is late:
 * https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions;
  #state: SyncState = { kind: 'idle', dueAt: Number.NEGATIVE_INFINITY };
  #isUrgent = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #syncedAt: number | undefined;
  #failures = 0;
  /** When the hub refused the first write after the last one that it accepted (ms). */
  #refusedSince: number | undefined;
  #trouble: Trouble | undefined;
  /** Grows with each heartbeat and each leave. */
  #revision = 0;
  #sentRevision = 0;
  #flush: Flush | undefined;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
  }

  /** Makes the next request start a sync and wait for it. */
  makeDue(): void {
    this.#isUrgent = true;
  }

  /** Starts a sync if one is due. Returns a promise if the request must wait for it. */
  syncIfDue(now: number, defer: Defer): Promise<void> | undefined {
    this.#abandonOverdue(now);
    if (this.#isDue(now)) {
      const isStale = now - this.#startedAt > SYNC_STALE_INTERVALS * this.#options.timing.syncIntervalMs;
      this.#start(now, isStale || this.#isUrgent || !this.#options.replica.hasSynced, defer);
    }
    if (this.#state.kind === 'idle' || this.#state.waitUntil <= now) return undefined;
    const waitMs = Math.min(this.#state.waitUntil - now, SYNC_WAIT_MAX_MS);
    return Promise.race([this.#state.done, this.#options.runtime.sleep(waitMs)]);
  }

  /** Like `syncIfDue`, for a request that has changed the replica. Where `flushes` is set, a flush sends the change without a request. */
  syncChange(now: number, defer: Defer): Promise<void> | undefined {
    this.#revision += 1;
    const synced = this.syncIfDue(now, defer);
    if (this.#options.timing.flushes && !this.#isFlushing(now))
      defer(this.#runFlush(now + FLUSH_MAX_MS, defer));
    return synced;
  }

  /** Returns the state of the sync, without I/O. `lastSyncAgeMs` is null before the first sync. */
  health(now: number): { readonly lastSyncAgeMs: number | null; readonly trouble: Trouble | undefined } {
    const lastSyncAgeMs = this.#syncedAt === undefined ? null : Math.max(0, now - this.#syncedAt);
    const isFailing = this.#failures > 0 || this.#isOverdue(now) || this.#isRefused(now);
    return { lastSyncAgeMs, trouble: isFailing ? 'sync-failed' : this.#trouble };
  }

  #isDue(now: number): boolean {
    if (this.#state.kind === 'running') return false;
    // After a step of the clock back, `dueAt` can be hours away.
    return this.#isUrgent || now >= this.#state.dueAt || now < this.#startedAt;
  }

  #isOverdue(now: number): boolean {
    return this.#state.kind === 'running' && now >= this.#state.startedAt + this.#options.timing.abandonMs;
  }

  /** Whether the hub has refused writes for so long that other replicas no longer count the sessions of this one. */
  #isRefused(now: number): boolean {
    return this.#refusedSince !== undefined && now >= this.#refusedSince + this.#options.timing.remoteTtlMs;
  }

  #isFlushing(now: number): boolean {
    const flush = this.#flush;
    if (flush === undefined) return false;
    return now < flush.until - SYNC_ABANDON_MIN_MS && now <= flush.nextStepAt + FLUSH_LATE_MS;
  }

  async #runFlush(until: number, defer: Defer): Promise<void> {
    const flush: Flush = { until, nextStepAt: until };
    this.#flush = flush;
    while (this.#flush === flush && this.#sentRevision < this.#revision) {
      const now = this.#options.runtime.now();
      this.#abandonOverdue(now);
      const isLast = now >= until;
      if (this.#state.kind === 'idle' && (isLast || now >= this.#state.dueAt)) this.#start(now, false, defer);
      if (isLast) break;
      const state = this.#state;
      const nextStepAt =
        state.kind === 'idle' ? state.dueAt : state.startedAt + this.#options.timing.abandonMs;
      flush.nextStepAt = Math.min(Math.ceil(nextStepAt), until);
      const sleep = this.#options.runtime.sleep(flush.nextStepAt - now);
      await (state.kind === 'idle' ? sleep : Promise.race([sleep, state.done]));
    }
    if (this.#flush === flush) this.#flush = undefined;
  }

  #start(now: number, isAwaited: boolean, defer: Defer): void {
    const sync = this.#options.hub.sync(this.#options.replica);
    const running: Running = {
      kind: 'running',
      startedAt: now,
      waitUntil: isAwaited ? now + SYNC_WAIT_MAX_MS : now,
      revision: this.#revision,
      done: sync.then(
        (outcome) => this.#succeed(running, outcome),
        (error: unknown) => this.#fail(running, this.#options.runtime.now(), error),
      ),
    };
    this.#state = running;
    this.#startedAt = now;
    this.#isUrgent = false;
    // Other requests may wait for this sync, so it must outlive the request that started it.
    defer(running.done);
  }

  #succeed(running: Running, { isRefused, trouble }: SyncOutcome): void {
    // An abandoned sync may still end. Its result must not replace that of a later one.
    if (this.#state !== running) return;
    const now = this.#options.runtime.now();
    this.#options.replica.unpinAll();
    this.#failures = 0;
    this.#syncedAt = now;
    this.#trouble = trouble;
    if (isRefused) this.#refusedSince ??= running.startedAt;
    else {
      this.#refusedSince = undefined;
      this.#sentRevision = running.revision;
    }
    if (this.#isRefused(now))
      this.#options.report(
        'the hub refuses all writes; other isolates do not count the sessions of this one',
      );
    const dueAt = isRefused
      ? now + this.#between(REFUSED_RETRY_MIN_MS, REFUSED_RETRY_MAX_MS)
      : running.startedAt + this.#jittered(this.#options.timing.syncIntervalMs);
    this.#state = { kind: 'idle', dueAt };
  }

  #fail(running: Running, failedAt: number, error: unknown): void {
    if (this.#state !== running) return;
    this.#options.replica.unpinAll();
    const backoffMs = Math.min(RETRY_MIN_MS * 2 ** this.#failures, this.#options.timing.syncIntervalMs);
    this.#failures += 1;
    this.#state = { kind: 'idle', dueAt: failedAt + this.#jittered(backoffMs) };
    this.#options.report(`sync ${this.#failures} in a row failed; answering from memory`, error);
  }

  #abandonOverdue(now: number): void {
    if (this.#state.kind === 'idle' || !this.#isOverdue(now)) return;
    const abandonedAt = this.#state.startedAt + this.#options.timing.abandonMs;
    this.#fail(this.#state, abandonedAt, new Error('The hub did not answer.'));
  }

  #jittered(ms: number): number {
    return ms * this.#between(1 - SYNC_JITTER, 1 + SYNC_JITTER);
  }

  #between(min: number, max: number): number {
    return min + this.#options.runtime.random() * (max - min);
  }
}
