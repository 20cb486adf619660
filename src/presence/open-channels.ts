import type { ChannelRules } from './channel-rules';
import { DEFAULT_CHANNEL } from './session-key';

/**
 * The channels with sessions that count towards the maximum. Several collections of sessions may share one object; a channel that
 * is open in two of them is one channel. Every call costs O(1).
 */
export class OpenChannels {
  readonly #rules: ChannelRules;
  /** Number of collections in which a channel has sessions. */
  readonly #open = new Map<string, number>();

  constructor(rules: ChannelRules) {
    this.#rules = rules;
  }

  /** Whether no further channel may open. */
  get isFull(): boolean {
    return this.#open.size >= this.#rules.max;
  }

  /** Whether a new session opens this channel, and the channel then counts towards the maximum. */
  wouldOpen(channel: string): boolean {
    return channel !== DEFAULT_CHANNEL && !this.#open.has(channel) && !this.#rules.isListed(channel);
  }

  /** Whether a new session opens this channel beyond the maximum. */
  refuses(channel: string): boolean {
    return this.isFull && this.wouldOpen(channel);
  }

  /** Records that a channel got its first session in one of the collections. */
  open(channel: string): void {
    if (!this.#rules.isListed(channel)) this.#open.set(channel, (this.#open.get(channel) ?? 0) + 1);
  }

  /** Records that a channel lost its last session in one of the collections. */
  close(channel: string): void {
    const collections = this.#open.get(channel);
    if (collections === 1) this.#open.delete(channel);
    else if (collections !== undefined) this.#open.set(channel, collections - 1);
  }
}
