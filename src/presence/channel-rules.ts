import { CHANNELS_MAX_DEFAULT } from '../limits';

/** Which channels a service has: names, and prefixes of names. */
export class ChannelRules {
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];
  /** Most channels with sessions, besides the listed names. */
  readonly max: number;

  /** @param prefixes An empty one allows every name. */
  constructor(names: Iterable<string>, prefixes: readonly string[], max: number) {
    this.#names = new Set(names);
    this.#prefixes = prefixes;
    this.max = max;
  }

  allows(channel: string): boolean {
    return this.isListed(channel) || this.#prefixes.some((prefix) => channel.startsWith(prefix));
  }

  /** Whether the channel is listed by its whole name. Such a channel opens even beyond `max`. */
  isListed(channel: string): boolean {
    return this.#names.has(channel);
  }

  /** Whether clients can name channels that are not listed. */
  get hasPrefixes(): boolean {
    return this.#prefixes.length > 0;
  }
}

/** Allows every channel. A room without `CHANNELS` uses it, because isolates of a later deploy may send it named channels already. */
export const ANY_CHANNEL = new ChannelRules([], [''], CHANNELS_MAX_DEFAULT);
