import type { Presence } from '../../../src/client/presence';
import type { Mood } from '../../../src/moods';
import { Dice } from '../../../tools/simulator/dice';
import { type Client, evaluateClient } from './client-code';
import { FakeChannels } from './fake-channels';
import { FakeLocks } from './fake-locks';
import { FakeStorage } from './fake-storage';
import { CHANNELS, type ChannelName, type ModelChannel, ModelChannels } from './model-channel';
import { Network } from './network';
import { Tab, type TabState } from './tab';
import { type Origin, tabGlobals } from './tab-globals';
import { VirtualClock } from './virtual-clock';

/** Time of a message between two processes of the browser. */
const HOP_MAX_MS = 4;

export interface Setup {
  readonly seed: number;
  /** The tabs that open at the start, at the same moment. */
  readonly tabsAtStart: number;
  readonly isLive: boolean;
  readonly hasWorkers: boolean;
  readonly whenHidden: 'keep' | 'leave';
  /** Tabs have the default channel, the named one or both. Otherwise all have the default one. */
  readonly hasChannels: boolean;
}

/** A client in a tab, for one channel. */
export interface Counter {
  readonly tab: Tab;
  readonly client: Client;
  readonly channel: ModelChannel;
  presence: Presence;
  isStarted: boolean;
  isWatching: boolean;
}

/** A tab with one counter or two. */
export interface Page {
  readonly tab: Tab;
  readonly counters: readonly Counter[];
}

/** One browser with tabs of one site. Each method is something that a person or the browser does. */
export class FakeBrowser {
  readonly clock = new VirtualClock();
  readonly channels: ModelChannels;
  readonly network: Network;
  readonly log: string[] = [];
  /** The tabs that are not closed. */
  pages: Page[] = [];
  readonly setup: Setup;
  readonly #dice: Dice;
  readonly #origin: Origin;
  #opened = 0;

  constructor(setup: Setup) {
    this.setup = setup;
    this.#dice = new Dice(setup.seed);
    this.channels = new ModelChannels(setup.hasChannels ? CHANNELS : [''], this.clock, setup.isLive);
    this.network = new Network(this.channels, this.#dice.fork(), (text) => this.note(text));
    const dice = this.#dice.fork();
    const hopMs = () => dice.between(0, HOP_MAX_MS);
    const { hasWorkers } = setup;
    const locks = new FakeLocks(hopMs);
    // By way of the browser's own process.
    const channels = new FakeChannels(() => hopMs() + hopMs());
    this.#origin = {
      locks,
      channels,
      storage: new FakeStorage(hopMs),
      network: this.network,
      dice,
      hopMs,
      hasWorkers,
    };
  }

  /** How many messages the tabs have sent to each other. */
  get messages(): number {
    return this.#origin.channels.sent;
  }

  /** The counters of the tabs that are not closed. */
  get counters(): Counter[] {
    return this.channels.all.flatMap(({ counters }) => counters);
  }

  /** Whether the counter keeps its person present now. */
  isPresent(counter: Counter): boolean {
    return this.isActive(counter) && !counter.isWatching;
  }

  /** Whether the counter is present, or only watches. */
  isActive({ tab, isStarted }: Counter): boolean {
    if (!isStarted || !tab.isRunning || tab.isPrerendering) return false;
    return !tab.isHidden || this.setup.whenHidden === 'keep';
  }

  /** Whether it is present, and its timers run often enough. */
  isPresentOnTime(counter: Counter): boolean {
    return this.isPresent(counter) && !this.isSlow(counter);
  }

  /** Whether its heartbeats come once a minute. */
  isSlow({ tab }: Counter): boolean {
    return tab.isSlow && !this.setup.hasWorkers;
  }

  note(text: string): void {
    this.log.push(`${(this.clock.now / 1_000).toFixed(3).padStart(8)} s  ${text}`);
  }

  open(state: TabState, names = this.#pickChannels()): void {
    this.#opened += 1;
    const tab = new Tab(this.clock, `tab ${this.#opened}`, state);
    const client = evaluateClient(tabGlobals(tab, this.#origin));
    const counters = names.map((name) => {
      const channel = this.channels.named(name);
      channel.openedAt.push(this.clock.now);
      const presence = this.#create(client, name);
      const counter = { tab, client, channel, presence, isStarted: true, isWatching: false };
      channel.counters.push(counter);
      return counter;
    });
    this.pages.push({ tab, counters });
    if (this.setup.hasChannels) this.note(`${tab.name} has the channels ${JSON.stringify(names)}`);
    tab.task(() => {
      for (const { presence } of counters) presence.start();
    });
  }

  #pickChannels(): readonly ChannelName[] {
    return this.setup.hasChannels ? this.#dice.pick([['' as const], ['lobby' as const], CHANNELS]) : [''];
  }

  close(page: Page): void {
    this.#noteEnds(page, true);
    this.#remove(page);
    page.tab.fire('pagehide', { persisted: false });
    page.tab.setHidden(true);
    this.clock.schedule(0, () => this.#release(page.tab, 1001));
  }

  crash(page: Page): void {
    this.#noteEnds(page, false);
    this.#remove(page);
    this.#release(page.tab, 1006);
  }

  reload(page: Page): void {
    const state = page.tab.isHidden ? 'hidden' : 'seen';
    this.close(page);
    const names = page.counters.map(({ channel }) => channel.name);
    this.clock.schedule(this.#dice.between(20, 300), () => this.open(state, names));
  }

  /** A navigation to another page, which keeps this one in memory. */
  cache(page: Page): void {
    this.#noteEnds(page, true);
    page.tab.isCached = true;
    page.tab.fire('pagehide', { persisted: true });
    page.tab.setHidden(true);
    this.clock.schedule(0, () => {
      page.tab.freeze();
      this.network.release(page.tab, 1001);
      // https://w3c.github.io/web-locks/#termination-of-locks
      this.#origin.locks.release(page.tab);
    });
  }

  /** The navigation back to a kept page. */
  goBack({ tab }: Page): void {
    tab.isCached = false;
    tab.resume();
    tab.setHidden(false);
    tab.fire('pageshow', { persisted: true });
  }

  freeze(page: Page): void {
    this.#noteEnds(page, false);
    page.tab.setHidden(true);
    this.clock.schedule(0, () => page.tab.freeze());
  }

  resume({ tab, counters }: Page, isSeen: boolean): void {
    for (const { channel } of counters) channel.lastResumeAt = this.clock.now;
    tab.resume();
    if (isSeen) tab.setHidden(false);
  }

  setHidden(page: Page, isHidden: boolean): void {
    if (isHidden && this.setup.whenHidden === 'leave') this.#noteEnds(page, true);
    if (page.tab.isPrerendering) page.tab.activate();
    else page.tab.setHidden(isHidden);
  }

  stop(counter: Counter): void {
    this.#noteEnd(counter, true);
    counter.isStarted = false;
    counter.tab.task(() => void counter.presence.stop());
  }

  /** Another instance takes the place of this one, one task later. */
  swap(counter: Counter): void {
    const { tab, client, channel } = counter;
    channel.ends.push({ at: this.clock.now, isClean: true, wasPresent: false, tab });
    const [before, after] = [counter.presence, this.#create(client, channel.name)];
    Object.assign(counter, { presence: after, isStarted: true, isWatching: false });
    tab.task(() => void before.stop());
    this.clock.schedule(this.#dice.pick([0, 0, 20, 100]), () =>
      tab.task(() => {
        if (counter.presence === after && counter.isStarted) after.start();
      }),
    );
  }

  choose(counter: Counter, mood: Mood): void {
    const { tab, channel, presence } = counter;
    channel.choices.push({ at: this.clock.now, mood, tab });
    if (counter.isWatching) channel.openedAt.push(this.clock.now);
    counter.isWatching = false;
    tab.task(() => presence.setMood(mood));
  }

  /** The tab only watches until it chooses a mood. */
  watch(counter: Counter): void {
    this.#noteEnd(counter, true);
    counter.isWatching = true;
    counter.tab.task(() => counter.presence.setMood(null));
  }

  /** An outage that ends by itself. Returns false if there is one already. */
  breakNetwork(trouble: 'offline' | 'hanging', lengthMs: number): boolean {
    if (this.network.trouble !== 'none') return false;
    this.network.setTrouble(trouble);
    this.clock.schedule(lengthMs, () => {
      this.note('the network works again');
      this.network.setTrouble('none');
      if (trouble === 'offline') for (const { tab } of this.pages) tab.fire('online');
    });
    return true;
  }

  #create(client: Client, channel: ChannelName): Presence {
    const { whenHidden } = this.setup;
    return client.createPresence({ url: 'https://presence.example', channel, whenHidden });
  }

  #noteEnds({ counters }: Page, isClean: boolean): void {
    for (const counter of counters) this.#noteEnd(counter, isClean);
  }

  #noteEnd(counter: Counter, isClean: boolean): void {
    const { tab, channel } = counter;
    channel.ends.push({
      at: this.clock.now,
      isClean: isClean && tab.isRunning,
      wasPresent: this.isPresent(counter),
      tab,
    });
  }

  #remove(page: Page): void {
    this.pages = this.pages.filter((other) => other !== page);
    for (const { channel } of page.counters)
      channel.counters = channel.counters.filter(({ tab }) => tab !== page.tab);
  }

  #release(tab: Tab, code: number): void {
    tab.close();
    this.network.release(tab, code);
    this.#origin.locks.release(tab);
    this.#origin.channels.release(tab);
  }
}
