import type { OpenChannels } from './open-channels';
import { type Mood, type MoodCounts, ZERO_COUNTS } from './session';
import { channelOf, DEFAULT_CHANNEL } from './session-key';

/** A named channel with sessions. */
interface CountedChannel {
  readonly moods: Record<Mood, number>;
  sessions: number;
}

/**
 * Sessions per mood in each channel. Every call but `clear` costs O(1), whatever the number of channels. A channel without sessions
 * takes no memory.
 */
export class ChannelCounts {
  readonly #openChannels: OpenChannels | undefined;
  readonly #default: Record<Mood, number> = { ...ZERO_COUNTS };
  readonly #byName = new Map<string, CountedChannel>();

  /** @param openChannels Receives each channel that opens or closes. */
  constructor(openChannels?: OpenChannels) {
    this.#openChannels = openChannels;
  }

  /** Returns the counts of a channel. A live view: do not keep it. */
  of(channel: string): MoodCounts {
    if (channel === DEFAULT_CHANNEL) return this.#default;
    return this.#byName.get(channel)?.moods ?? ZERO_COUNTS;
  }

  /** The named channels with sessions. */
  get names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** Moves a session from one mood to another. `null`: the session is not present. */
  move(key: string, from: Mood | null, to: Mood | null): void {
    if (from === to) return;
    const channel = channelOf(key);
    if (channel === DEFAULT_CHANNEL) {
      if (from !== null) this.#default[from] -= 1;
      if (to !== null) this.#default[to] += 1;
      return;
    }
    const counted = this.#byName.get(channel) ?? this.#open(channel);
    if (from === null) counted.sessions += 1;
    else counted.moods[from] -= 1;
    if (to === null) counted.sessions -= 1;
    else counted.moods[to] += 1;
    if (counted.sessions === 0) this.#close(channel);
  }

  clear(): void {
    Object.assign(this.#default, ZERO_COUNTS);
    for (const channel of this.#byName.keys()) this.#close(channel);
  }

  #open(channel: string): CountedChannel {
    const counted = { moods: { ...ZERO_COUNTS }, sessions: 0 };
    this.#byName.set(channel, counted);
    this.#openChannels?.open(channel);
    return counted;
  }

  #close(channel: string): void {
    this.#byName.delete(channel);
    this.#openChannels?.close(channel);
  }
}
