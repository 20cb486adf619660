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
  /** Most own sessions. With so many, the replica takes no new one. */
  readonly sessionsMax: number;
  /** Undefined: the service has the default channel only. */
  readonly channels?: ChannelRules | undefined;
}

/** A value, or its promise if the caller must wait for a sync. A warm request gets the value, because a promise takes time. */
export type Awaitable<Value> = Value | Promise<Value>;

/** The counts of one channel. */
type ChannelState = Pick<PresenceState, 'count' | 'moods'>;

/** Why a new session does not count: too many came from its network, or there are too many sessions or channels. */
type Refusal = 'over-limit' | 'full';

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
  /** The channels that a session is about to open. */
  readonly #openings = new Map<string, Promise<void>>();

  constructor(options: PresenceStoreOptions) {
    this.#options = options;
    this.#replica = new Replica(options.timing, options.sessionsMax, options.channels);
    this.#loop = new SyncLoop({ ...options, replica: this.#replica });
  }

  /**
   * A heartbeat of any session; the answer is the state of its channel. A new session first waits for the first sync, before which
   * every session looks new, and for `isWithinLimit`. Requests of one session keep their order of arrival.
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

  /** A heartbeat of an admitted session, which may have waited since its `arrival`. The answer counts the session. */
  countHeartbeat(key: string, mood: Mood, defer: Defer, arrival?: Arrival): Awaitable<PresenceState> {
    const now = this.#now;
    // The session left, or sent another heartbeat, after this one came.
    if (arrival !== undefined && this.#arrivals.isOvertaken(arrival))
      return this.presence(defer, channelOf(key));
    this.#arrivals.count(key, arrival);
    if (!this.#replica.heartbeat(key, mood, now, arrival?.at)) return this.presence(defer, channelOf(key));
    return this.#sendChange(key, now, defer);
  }

  /** Ends a session in its channel. A leave for an unknown session does nothing, unless a later sync brings that session. */
  async leave(key: string, defer: Defer): Promise<void> {
    const now = this.#now;
    this.#arrivals.count(key);
    await (this.#replica.leave(key, now)
      ? this.#loop.syncChange(now, defer)
      : this.#loop.syncIfDue(now, defer));
  }

  presence(defer: Defer, channel = DEFAULT_CHANNEL): Awaitable<PresenceState> {
    const now = this.#now;
    const synced = this.#loop.syncIfDue(now, defer);
    return synced === undefined
      ? this.#state(now, channel)
      : synced.then(() => this.#state(this.#now, channel));
  }

  /** The states of several named channels at one moment. */
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

  /** Whether a session in this channel would open it. Waits for a sync as a new session does. */
  async wouldOpen(channel: string, defer: Defer): Promise<boolean> {
    await this.#learnOthers(channel, defer);
    return this.#wouldOpen(channel);
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
      // Not awaited: the session counts at once, so the opening ends here.
      return this.#admitWithin(key, mood, defer, arrival, isWithin);
    } finally {
      endOpening?.();
    }
  }

  /** Decides again, because the session may have become known meanwhile. Until its heartbeat nothing may be awaited. */
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
   * Waits while another session opens the channel, otherwise a class that starts together counts as many openings. Requests may end
   * early, so the wait is at most a second.
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
   * Waits for the first sync, before which every session looks new. In a channel that is not listed it waits for a stale sync too,
   * otherwise an old answer shows an open channel as empty.
   */
  async #learnOthers(channel: string, defer: Defer): Promise<void> {
    const isFirst = !this.#replica.hasSynced;
    if (!isFirst && (channel === DEFAULT_CHANNEL || this.#options.channels?.isListed(channel))) return;
    await this.#loop.syncIfDue(this.#now, defer);
    // The new session is not in that sync. A second one sends it, otherwise other replicas count it an interval later.
    if (isFirst && this.#replica.hasSynced) this.#loop.makeDue();
  }

  /** Sends a heartbeat to the hub, now or with a later sync. Returns the state of its channel. */
  #sendChange(key: string, now: number, defer: Defer): Awaitable<PresenceState> {
    const synced = this.#loop.syncChange(now, defer);
    return synced === undefined ? this.#state(now, channelOf(key)) : this.#stateAfter(synced, key);
  }

  /** The state after the sync that sends a heartbeat. That sync does not end the session. */
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
