import { LIVE_BROADCAST_INTERVAL_MS } from '../../limits';
import { MOODS } from '../../moods';
import type { MoodCounts } from '../session';
import { DEFAULT_CHANNEL } from '../session-key';
import type { Broadcasts, LiveSockets } from './live-sockets';
import type { RoomSessions } from './room-sessions';
import { Throttle, type ThrottleOptions } from './throttle';

/** Sends the counts of each channel to its sockets when they change, at most once a second. */
export class ChannelBroadcasts {
  readonly #options: BroadcastOptions;
  readonly #throttle: Throttle;
  /** Channels with sockets whose counts changed since their last broadcast. */
  readonly #changed = new Set<string>();

  constructor(options: BroadcastOptions) {
    this.#options = options;
    const task = () => this.#send();
    this.#throttle = new Throttle({ ...options, intervalMs: LIVE_BROADCAST_INTERVAL_MS, task });
    this.#findMissed();
  }

  /** Grows whenever `last` changes. */
  get revision(): number {
    return this.#options.sockets.revision;
  }

  /**
   * Returns the last broadcasts of the default channel and of each channel with sessions or sockets. For a channel without sockets these
   * are the present counts, because a socket that opens gets them.
   */
  last(): Broadcasts {
    const { sessions, sockets } = this.#options;
    const all = new Map<string, MoodCounts>();
    for (const channel of [DEFAULT_CHANNEL, ...sessions.channels, ...sockets.channels])
      all.set(channel, sockets.lastBroadcast(channel) ?? sessions.countsOf(channel));
    return all;
  }

  /** Sends the counts that have changed since the last call, now or within a second. */
  schedule(): void {
    const { sessions, sockets } = this.#options;
    for (const channel of sessions.takeChangedChannels())
      if (sockets.hasSockets(channel)) this.#changed.add(channel);
    if (this.#changed.size > 0) this.#throttle.schedule();
  }

  /**
   * After a start, only channels whose sockets have other counts get a broadcast. Otherwise each start sends a message to every
   * socket.
   */
  #findMissed(): void {
    const { sessions, sockets } = this.#options;
    sessions.takeChangedChannels();
    for (const channel of sockets.channels) {
      const [last, counts] = [sockets.lastBroadcast(channel), sessions.countsOf(channel)];
      if (MOODS.some((mood) => last?.[mood] !== counts[mood])) this.#changed.add(channel);
    }
  }

  /** Broadcasts even if the counts are as in the last broadcast, otherwise a socket that opened since keeps other counts. */
  #send(): void {
    const { sessions, sockets, runtime, onSent } = this.#options;
    const now = runtime.now();
    for (const channel of this.#changed) sockets.broadcast(channel, sessions.countsOf(channel), now);
    this.#changed.clear();
    onSent();
  }
}

interface BroadcastOptions extends Omit<ThrottleOptions, 'intervalMs' | 'task' | 'lastRunAt'> {
  readonly sessions: RoomSessions;
  readonly sockets: LiveSockets;
  /** Called after each round of broadcasts. */
  readonly onSent: () => void;
}
