import type { Mood } from '../../../src/moods';
import type { TabClient } from './fake-browser';
import { ModelService } from './model-service';
import type { Tab } from './tab';
import type { VirtualClock } from './virtual-clock';

/** The default channel and a named channel. */
export const CHANNELS = ['', 'lobby'] as const;
export type ChannelName = (typeof CHANNELS)[number];

/** One channel: its count at the service, and the actions of this browser in it. */
export class ModelChannel {
  readonly name: ChannelName;
  readonly service: ModelService;
  /** The clients in the tabs that are not closed. */
  clients: TabClient[] = [];
  /** The times when clients were created, or began to count. */
  readonly openedAt: number[] = [];
  /** The ends of clients. After a clean end the page can send a leave. */
  readonly ends: {
    readonly at: number;
    readonly isClean: boolean;
    readonly wasPresent: boolean;
    readonly tab: Tab;
  }[] = [];
  /** The choices of moods. */
  readonly choices: { readonly at: number; readonly mood: Mood; readonly tab: Tab }[] = [];
  lastResumeAt = Number.NEGATIVE_INFINITY;
  /** The times of the heartbeats and of the openings of sockets. */
  readonly sentAt: number[] = [];
  /** The time of the last leave that was lost. */
  leaveLostAt = Number.NEGATIVE_INFINITY;

  constructor(name: ChannelName, clock: VirtualClock, isLive: boolean) {
    this.name = name;
    this.service = new ModelService(clock, isLive);
  }
}

/** The channels of the service. */
export class ModelChannels {
  readonly all: readonly ModelChannel[];

  constructor(names: readonly ChannelName[], clock: VirtualClock, isLive: boolean) {
    this.all = names.map((name) => new ModelChannel(name, clock, isLive));
  }

  named(name: string): ModelChannel {
    const channel = this.all.find((each) => each.name === name);
    if (channel === undefined) throw new Error(`there is no channel ${name}`);
    return channel;
  }

  /** The channel of an address, and the last part of its path. */
  at(url: string | URL): { readonly channel: ModelChannel; readonly action: string } {
    const { pathname } = new URL(url);
    const [, name = '', action = ''] = /^\/api\/(?:channels\/([^/]+)\/)?([a-z]+)$/.exec(pathname) ?? [];
    if (action === '') throw new Error(`the client asks for ${pathname}`);
    return { channel: this.named(name), action };
  }
}
