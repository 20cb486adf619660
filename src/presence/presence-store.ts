import { type Arrival, Arrivals } from './arrivals';
import type { Hub } from './hub';
import { Replica } from './replica';
import { addCounts, type Mood, type PresenceState, totalOf } from './session';
import { type Defer, SyncLoop, type SyncLoopOptions } from './sync-loop';
import type { Trouble } from './trouble';

interface PresenceStoreOptions extends Omit<SyncLoopOptions, 'replica'> {
  /** Most own sessions. With so many, the replica takes no new one. */
  readonly sessionsMax: number;
}

/** Why a new session does not count: too many came from its network, or the replica is full. */
export type Refusal = 'over-limit' | 'full';

/**
 * The present sessions as one Worker isolate knows them: what the routes call. `Replica` holds the sessions, `SyncLoop`
 * exchanges them with other isolates through the hub.
 *
 * An answer comes from memory. It is exact for the sessions of this isolate, and as of the last sync for all others. A
 * failing hub fails no request. Two isolates may answer differently at the same moment; the hub's docstring says by how much.
 */
export class PresenceStore {
  readonly #options: PresenceStoreOptions;
  readonly #replica: Replica;
  readonly #loop: SyncLoop;
  readonly #arrivals = new Arrivals();

  constructor(options: PresenceStoreOptions) {
    this.#options = options;
    this.#replica = new Replica(options.timing, options.sessionsMax);
    this.#loop = new SyncLoop({ ...options, replica: this.#replica });
  }

  /**
   * A heartbeat of any session. A new session first waits for the first sync, before which every session looks new, and for
   * `isWithinLimit`. Requests of one session keep their order of arrival.
   */
  heartbeat(
    id: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: () => Promise<boolean>,
  ): Promise<PresenceState | Refusal> {
    // Not async: a warm heartbeat waits for one promise less.
    return this.#admit(id) === 'known'
      ? this.countHeartbeat(id, mood, defer)
      : this.#admitNew(id, mood, defer, isWithinLimit);
  }

  /** A heartbeat of an admitted session, which may have waited since its `arrival`. The answer counts the session. */
  async countHeartbeat(id: string, mood: Mood, defer: Defer, arrival?: Arrival): Promise<PresenceState> {
    const now = this.#now;
    // The session left, or sent another heartbeat, after this one came.
    if (arrival !== undefined && this.#arrivals.isOvertaken(arrival)) return this.presence(defer);
    this.#arrivals.count(id, arrival);
    if (!this.#replica.heartbeat(id, mood, now, arrival?.at)) return this.presence(defer);
    const synced = this.#loop.syncChange(now, defer);
    if (synced === undefined) return this.#state(now);
    this.#replica.pin(id);
    await synced;
    this.#replica.unpin(id);
    return this.#state(this.#now);
  }

  /** Ends a session. A leave for an unknown session does nothing, unless a later sync brings that session. */
  async leave(id: string, defer: Defer): Promise<void> {
    const now = this.#now;
    this.#arrivals.count(id);
    await (this.#replica.leave(id, now)
      ? this.#loop.syncChange(now, defer)
      : this.#loop.syncIfDue(now, defer));
  }

  async presence(defer: Defer): Promise<PresenceState> {
    await this.#loop.syncIfDue(this.#now, defer);
    return this.#state(this.#now);
  }

  /** The next request waits for a sync. */
  makeSyncDue(): void {
    this.#loop.makeDue();
  }

  /** The state of the sync, without any I/O. `lastSyncAgeMs` is null before the first sync, and where there is no hub. */
  health(): { hub: Hub['kind']; lastSyncAgeMs: number | null; trouble: Trouble | undefined } {
    const { kind } = this.#options.hub;
    if (kind === 'none') return { hub: kind, lastSyncAgeMs: null, trouble: 'no-hub' };
    const now = this.#now;
    this.#replica.expire(now);
    const { lastSyncAgeMs, trouble = this.#replica.isFull ? 'too-many-sessions' : undefined } =
      this.#loop.health(now);
    return { hub: kind, lastSyncAgeMs, trouble };
  }

  get #now(): number {
    return this.#options.runtime.now();
  }

  async #admitNew(
    id: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: () => Promise<boolean>,
  ): Promise<PresenceState | Refusal> {
    const arrival = this.#arrivals.add(id, this.#now);
    await this.#firstSync(defer);
    const isWithin = this.#admit(id) !== 'new' || (await isWithinLimit());
    // The session may have become known meanwhile. From here to its heartbeat nothing may be awaited.
    const admission = this.#admit(id);
    if (admission === 'known' || (admission === 'new' && isWithin))
      return this.countHeartbeat(id, mood, defer, arrival);
    if (admission === 'new') return 'over-limit';
    this.#options.report('the isolate is full: new sessions are refused');
    return 'full';
  }

  #admit(id: string): 'known' | 'new' | 'full' {
    return this.#replica.admit(id, this.#now);
  }

  async #firstSync(defer: Defer): Promise<void> {
    if (this.#replica.hasSynced) return;
    await this.#loop.syncIfDue(this.#now, defer);
    // The new session is not in that sync. A second one sends it, otherwise other replicas count it an interval later.
    if (this.#replica.hasSynced) this.#loop.makeDue();
  }

  #state(timestamp: number): PresenceState {
    this.#replica.expire(timestamp);
    const moods = addCounts(this.#replica.counts, this.#options.hub.otherLocations(timestamp));
    return { count: totalOf(moods), moods, timestamp };
  }
}
