import { LIMITER_WAIT_MAX_MS, OPENINGS_MAX } from '../limits';
import { type Arrival, Arrivals } from './arrivals';
import type { ChannelRules } from './channel-rules';
import type { Hub } from './hub';
import { type Admission, Replica } from './replica';
import { addCounts, type Mood, type MoodCounts, type PresenceState, totalOf } from './session';
import { channelOf, DEFAULT_CHANNEL } from './session-key';
import { setLatest } from './set-latest';
import { type Defer, SyncLoop, type SyncLoopOptions } from './sync-loop';
import type { Trouble } from './trouble';

interface PresenceStoreOptions extends Omit<SyncLoopOptions, 'replica'> {
  /** Most own sessions. With so many, the replica refuses new ones. */
  readonly sessionsMax: number;
  /** Undefined: the service has the default channel only. */
  readonly channels?: ChannelRules | undefined;
}

/** A value, or its promise if the caller must wait for a sync. Most requests get the value, because a promise takes time. */
export type Awaitable<Value> = Value | Promise<Value>;

/** The counts of one channel. */
type ChannelState = Pick<PresenceState, 'count' | 'moods'>;

/** Why a new session does not count. `over-limit`: its network started too many. `full`: there are too many sessions or channels. */
type Refusal = 'over-limit' | 'full';

/**
 * The present sessions as one Worker isolate knows them; the routes call this class. `Replica` holds the sessions, `SyncLoop`
 * syncs them with other isolates through the hub.
 *
 * An answer is from memory. It is exact for the sessions of this isolate, and as of the last sync for all others. A failing hub
 * fails no request. Two isolates may answer differently at the same time; the class comment of the hub says by how much.
 */
export class PresenceStore {
  readonly #options: PresenceStoreOptions;
  readonly #replica: Replica;
  readonly #loop: SyncLoop;
  readonly #arrivals = new Arrivals();
  /** The empty channels that a session is about to open. Each promise resolves when that session counts or is refused. */
  readonly #openings = new Map<string, Promise<void>>();

  constructor(options: PresenceStoreOptions) {
    this.#options = options;
    this.#replica = new Replica(options.timing, options.sessionsMax, options.channels);
    this.#loop = new SyncLoop({ ...options, replica: this.#replica });
  }

  /**
   * Applies a heartbeat. Returns the state of its channel, or why the session is refused. A new session waits for the first
   * sync, before which every session looks new, and then for `isWithinLimit`. Requests of one session keep their order of arrival.
   */
  heartbeat(
    key: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: (opensChannel: boolean) => Promise<boolean>,
  ): Awaitable<PresenceState | Refusal> {
    const now = this.#now;
    if (this.#replica.refresh(key, mood, now)) {
      this.#arrivals.count(key);
      return this.#sendChange(key, now, defer);
    }
    return this.#admit(key) === 'known'
      ? this.countHeartbeat(key, mood, defer)
      : this.#admitNew(key, mood, defer, isWithinLimit);
  }

  /** Applies a heartbeat of an admitted session, which may have waited since its `arrival`. The answer counts it, unless it left since. */
  countHeartbeat(key: string, mood: Mood, defer: Defer, arrival?: Arrival): Awaitable<PresenceState> {
    const now = this.#now;
    // The session left, or sent another heartbeat, after this one arrived.
    if (arrival !== undefined && this.#arrivals.isOvertaken(arrival))
      return this.presence(defer, channelOf(key));
    this.#arrivals.count(key, arrival);
    if (!this.#replica.heartbeat(key, mood, now, arrival?.at)) return this.presence(defer, channelOf(key));
    return this.#sendChange(key, now, defer);
  }

  /** Ends a session in its channel. A leave for an unknown session ends it if a later sync adds it. */
  async leave(key: string, defer: Defer): Promise<void> {
    const now = this.#now;
    this.#arrivals.count(key);
    this.#replica.leave(key, now);
    // Also for an unknown session: the next sync may add it. Otherwise it counts elsewhere until this isolate gets another request.
    await this.#loop.syncChange(now, defer);
  }

  presence(defer: Defer, channel = DEFAULT_CHANNEL): Awaitable<PresenceState> {
    const now = this.#now;
    const synced = this.#loop.syncIfDue(now, defer);
    return synced === undefined
      ? this.#state(now, channel)
      : synced.then(() => this.#state(this.#now, channel));
  }

  /** Returns the states of several named channels, all at the time `timestamp` (ms since 1970). */
  async channels(
    names: readonly string[],
    defer: Defer,
  ): Promise<{ channels: Record<string, ChannelState>; timestamp: number }> {
    await this.#loop.syncIfDue(this.#now, defer);
    const timestamp = this.#now;
    this.#replica.expire(timestamp);
    const states = names.map((name) => [name, stateOf(this.#replica.countsOf(name))] as const);
    // Own properties only, because `constructor` is a valid name.
    return { channels: Object.fromEntries(states), timestamp };
  }

  /** Whether a new session opens this channel. Waits for a sync as a new session does. */
  async wouldOpen(channel: string, defer: Defer): Promise<boolean> {
    await this.#learnOthers(channel, defer);
    return this.#wouldOpen(channel);
  }

  /** Makes the next request start a sync and wait for it. */
  makeSyncDue(): void {
    this.#loop.makeDue();
  }

  /** Returns the state of the sync, without I/O. `lastSyncAgeMs` is null before the first sync, and without a hub. */
  health(): { hub: Hub['kind']; lastSyncAgeMs: number | null; trouble: Trouble | undefined } {
    const { kind } = this.#options.hub;
    if (kind === 'none') return { hub: kind, lastSyncAgeMs: null, trouble: 'no-hub' };
    const now = this.#now;
    this.#replica.expire(now);
    const { lastSyncAgeMs, trouble = this.#overload } = this.#loop.health(now);
    return { hub: kind, lastSyncAgeMs, trouble };
  }

  get #overload(): Trouble | undefined {
    if (this.#replica.isFull) return 'too-many-sessions';
    return this.#replica.hasMaxChannels ? 'too-many-channels' : undefined;
  }

  get #now(): number {
    return this.#options.runtime.now();
  }

  async #admitNew(
    key: string,
    mood: Mood,
    defer: Defer,
    isWithinLimit: (opensChannel: boolean) => Promise<boolean>,
  ): Promise<PresenceState | Refusal> {
    const arrival = this.#arrivals.add(key, this.#now);
    const channel = channelOf(key);
    await this.#learnOthers(channel, defer);
    const endOpening = await this.#beginOpening(channel);
    try {
      const isWithin = this.#admit(key) !== 'new' || (await isWithinLimit(endOpening !== undefined));
      // No `await`: the session counts at once, so the opening ends here and not after the sync.
      return this.#admitWithin(key, mood, defer, arrival, isWithin);
    } finally {
      endOpening?.();
    }
  }

  /**
   * Decides again, because the session may be known now. Nothing is awaited between this and the heartbeat. Otherwise another session
   * takes the last place.
   */
  #admitWithin(
    key: string,
    mood: Mood,
    defer: Defer,
    arrival: Arrival,
    isWithin: boolean,
  ): Awaitable<PresenceState | Refusal> {
    const admission = this.#admit(key);
    if (admission === 'full') {
      const isolate = this.#replica.isFull
        ? 'the isolate is full: new sessions'
        : 'the isolate knows CHANNELS_MAX channels: new ones';
      this.#options.report(`${isolate} are refused`);
      return 'full';
    }
    if (admission === 'new' && !isWithin) return 'over-limit';
    return this.countHeartbeat(key, mood, defer, arrival);
  }

  /**
   * Begins to open an empty channel, and returns the function that ends it. Returns undefined for an open channel.
   *
   * Waits while another session opens the channel, otherwise sessions that start together count as many openings. The platform may
   * end the request of the other session early, so the wait is at most a second.
   */
  async #beginOpening(channel: string): Promise<(() => void) | undefined> {
    let late: Promise<'late'> | undefined;
    for (;;) {
      if (!this.#wouldOpen(channel)) return undefined;
      const other = this.#openings.get(channel);
      if (other === undefined) break;
      late ??= this.#options.runtime.sleep(LIMITER_WAIT_MAX_MS).then(() => 'late');
      if ((await Promise.race([other, late])) === 'late') break;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    setLatest(this.#openings, channel, promise, OPENINGS_MAX);
    return () => {
      if (this.#openings.get(channel) === promise) this.#openings.delete(channel);
      resolve();
    };
  }

  #wouldOpen(channel: string): boolean {
    this.#replica.expire(this.#now);
    return this.#replica.wouldOpen(channel);
  }

  #admit(key: string): Admission {
    return this.#replica.admit(key, this.#now);
  }

  /**
   * Waits for the first sync, before which every session looks new. For a channel that is not listed it waits for a sync after a pause
   * too. Otherwise an old answer shows an open channel as empty.
   */
  async #learnOthers(channel: string, defer: Defer): Promise<void> {
    const isFirst = !this.#replica.hasSynced;
    if (!isFirst && (channel === DEFAULT_CHANNEL || this.#options.channels?.isListed(channel))) return;
    await this.#loop.syncIfDue(this.#now, defer);
    // That sync lacks the new session. A second one sends it, otherwise other replicas count it an interval later.
    if (isFirst && this.#replica.hasSynced) this.#loop.makeDue();
  }

  /** Sends a heartbeat to the hub, now or with a later sync. Returns the state of its channel. */
  #sendChange(key: string, now: number, defer: Defer): Awaitable<PresenceState> {
    const synced = this.#loop.syncChange(now, defer);
    return synced === undefined ? this.#state(now, channelOf(key)) : this.#stateAfter(synced, key);
  }

  /** Returns the state after the sync that sends a heartbeat. The pin keeps that sync from ending the session. */
  async #stateAfter(synced: Promise<void>, key: string): Promise<PresenceState> {
    this.#replica.pin(key);
    await synced;
    this.#replica.unpin(key);
    return this.#state(this.#now, channelOf(key));
  }

  #state(timestamp: number, channel: string): PresenceState {
    this.#replica.expire(timestamp);
    const known = this.#replica.countsOf(channel);
    const isDefault = channel === DEFAULT_CHANNEL;
    const moods = isDefault ? addCounts(known, this.#options.hub.otherLocations(timestamp)) : known;
    return { count: totalOf(moods), moods, timestamp };
  }
}

const stateOf = (moods: MoodCounts): ChannelState => ({ count: totalOf(moods), moods });
