import type { Presence } from '../../../src/client/presence';
import type { Mood } from '../../../src/moods';
import { Dice } from '../../../tools/simulator/dice';
import { type ClientModule, evaluateClient } from './client-code';
import { FakeChannels } from './fake-channels';
import { FakeLocks } from './fake-locks';
import { FakeStorage } from './fake-storage';
import { CHANNELS, type ChannelName, type ModelChannel, ModelChannels } from './model-channel';
import { Network } from './network';
import { Tab, type TabState } from './tab';
import { type Origin, tabGlobals } from './tab-globals';
import { VirtualClock } from './virtual-clock';

/** The longest time of a message between two processes of the browser (ms). */
const HOP_MAX_MS = 4;

export interface Setup {
  readonly seed: number;
  /** How many tabs open at the same moment at the start. */
  readonly tabsAtStart: number;
  readonly isLive: boolean;
  readonly hasWorkers: boolean;
  readonly whenHidden: 'keep' | 'leave';
  /** Each tab has the default channel, the named channel or both. Otherwise all tabs have the default channel. */
  readonly hasChannels: boolean;
}

/** A client in a tab, for one channel. */
export interface TabClient {
  readonly tab: Tab;
  readonly module: ClientModule;
  readonly channel: ModelChannel;
  presence: Presence;
  isStarted: boolean;
  isWatching: boolean;
}

/** A tab with one or two clients. */
export interface Page {
  readonly tab: Tab;
  readonly clients: readonly TabClient[];
}

/** One browser with tabs of one site. Its methods are the actions of a person or of the browser. */
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
    // Two hops, because each message passes through the process of the browser.
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

  /** The clients of the tabs that are not closed. */
  get clients(): TabClient[] {
    return this.channels.all.flatMap(({ clients }) => clients);
  }

  /** Whether the service must count the browser because of this client. */
  isPresent(client: TabClient): boolean {
    return this.isActive(client) && !client.isWatching;
  }

  /** Whether the client is present, or only watches. */
  isActive({ tab, isStarted }: TabClient): boolean {
    if (!isStarted || !tab.isRunning || tab.isPrerendering) return false;
    return !tab.isHidden || this.setup.whenHidden === 'keep';
  }

  /** Whether the client is present and sends each heartbeat on time. */
  isPresentOnTime(client: TabClient): boolean {
    return this.isPresent(client) && !this.isSlow(client);
  }

  /** Whether the client sends a heartbeat only once a minute. */
  isSlow({ tab }: TabClient): boolean {
    return tab.isSlow && !this.setup.hasWorkers;
  }

  note(text: string): void {
    this.log.push(`${(this.clock.now / 1_000).toFixed(3).padStart(8)} s  ${text}`);
  }

  open(state: TabState, names = this.#pickChannels()): void {
    this.#opened += 1;
    const tab = new Tab(this.clock, `tab ${this.#opened}`, state);
    const module = evaluateClient(tabGlobals(tab, this.#origin));
    const clients = names.map((name) => {
      const channel = this.channels.named(name);
      channel.openedAt.push(this.clock.now);
      const presence = this.#create(module, name);
      const client = { tab, module, channel, presence, isStarted: true, isWatching: false };
      channel.clients.push(client);
      return client;
    });
    this.pages.push({ tab, clients });
    if (this.setup.hasChannels) this.note(`${tab.name} has the channels ${JSON.stringify(names)}`);
    tab.task(() => {
      for (const { presence } of clients) presence.start();
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
    const state = page.tab.isHidden ? 'hidden' : 'visible';
    this.close(page);
    const names = page.clients.map(({ channel }) => channel.name);
    this.clock.schedule(this.#dice.between(20, 300), () => this.open(state, names));
  }

  /** Navigates to another page. The browser keeps this page in memory. */
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

  /** Navigates back to a page in memory. */
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

  resume({ tab, clients }: Page, isVisible: boolean): void {
    for (const { channel } of clients) channel.lastResumeAt = this.clock.now;
    tab.resume();
    if (isVisible) tab.setHidden(false);
  }

  setHidden(page: Page, isHidden: boolean): void {
    if (isHidden && this.setup.whenHidden === 'leave') this.#noteEnds(page, true);
    if (page.tab.isPrerendering) page.tab.activate();
    else page.tab.setHidden(isHidden);
  }

  stop(client: TabClient): void {
    this.#noteEnd(client, true);
    client.isStarted = false;
    client.tab.task(() => void client.presence.stop());
  }

  /** Stops the client and starts another one, up to 100 ms later. */
  replace(client: TabClient): void {
    const { tab, module, channel } = client;
    channel.ends.push({ at: this.clock.now, isClean: true, wasPresent: false, tab });
    const [before, after] = [client.presence, this.#create(module, channel.name)];
    Object.assign(client, { presence: after, isStarted: true, isWatching: false });
    tab.task(() => void before.stop());
    this.clock.schedule(this.#dice.pick([0, 0, 20, 100]), () =>
      tab.task(() => {
        if (client.presence === after && client.isStarted) after.start();
      }),
    );
  }

  choose(client: TabClient, mood: Mood): void {
    const { tab, channel, presence } = client;
    channel.choices.push({ at: this.clock.now, mood, tab });
    if (client.isWatching) channel.openedAt.push(this.clock.now);
    client.isWatching = false;
    tab.task(() => presence.setMood(mood));
  }

  /** The client only watches until it chooses a mood. */
  watch(client: TabClient): void {
    this.#noteEnd(client, true);
    client.isWatching = true;
    client.tab.task(() => client.presence.setMood(null));
  }

  /** Begins an outage of this length. Returns false during another outage. */
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

  #create(module: ClientModule, channel: ChannelName): Presence {
    const { whenHidden } = this.setup;
    return module.createPresence({ url: 'https://presence.example', channel, whenHidden });
  }

  #noteEnds({ clients }: Page, isClean: boolean): void {
    for (const client of clients) this.#noteEnd(client, isClean);
  }

  #noteEnd(client: TabClient, isClean: boolean): void {
    const { tab, channel } = client;
    channel.ends.push({
      at: this.clock.now,
      isClean: isClean && tab.isRunning,
      wasPresent: this.isPresent(client),
      tab,
    });
  }

  #remove(page: Page): void {
    this.pages = this.pages.filter((other) => other !== page);
    for (const { channel } of page.clients)
      channel.clients = channel.clients.filter(({ tab }) => tab !== page.tab);
  }

  #release(tab: Tab, code: number): void {
    tab.close();
    this.network.release(tab, code);
    this.#origin.locks.release(tab);
    this.#origin.channels.release(tab);
  }
}
