import type { Presence } from '../../../src/client/presence';
import type { Mood } from '../../../src/moods';
import { Dice } from '../../../tools/simulator/dice';
import { type Client, evaluateClient } from './client-code';
import { FakeChannels } from './fake-channels';
import { FakeLocks } from './fake-locks';
import { FakeStorage } from './fake-storage';
import { ModelService } from './model-service';
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
}

/** A tab with the client in it. */
export interface Page {
  readonly tab: Tab;
  readonly client: Client;
  presence: Presence;
  isStarted: boolean;
}

/** One browser with tabs of one site. Each method is something that a person or the browser does. */
export class FakeBrowser {
  readonly clock = new VirtualClock();
  readonly service: ModelService;
  readonly network: Network;
  readonly log: string[] = [];
  /** The tabs that are not closed. */
  pages: Page[] = [];
  /** When each tab opened. */
  readonly openedAt: number[] = [];
  /** The pages that ended. A clean end lets the page leave. */
  readonly ends: {
    readonly at: number;
    readonly isClean: boolean;
    readonly wasPresent: boolean;
    readonly tab: Tab;
  }[] = [];
  /** The moods that were chosen. */
  readonly choices: { readonly at: number; readonly mood: Mood; readonly tab: Tab }[] = [];
  lastResumeAt = Number.NEGATIVE_INFINITY;
  readonly setup: Setup;
  readonly #dice: Dice;
  readonly #origin: Origin;

  constructor(setup: Setup) {
    this.setup = setup;
    this.#dice = new Dice(setup.seed);
    this.service = new ModelService(this.clock, setup.isLive);
    this.network = new Network(this.service, this.#dice.fork(), (text) => this.note(text));
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

  /** Whether the page keeps its person present now. */
  isPresent({ tab, isStarted }: Page): boolean {
    if (!isStarted || !tab.isRunning || tab.isPrerendering) return false;
    return !tab.isHidden || this.setup.whenHidden === 'keep';
  }

  /** Whether it is present, and its timers run often enough. */
  isPresentOnTime(page: Page): boolean {
    return this.isPresent(page) && !this.isSlow(page);
  }

  /** Whether its heartbeats come once a minute. */
  isSlow({ tab }: Page): boolean {
    return tab.isSlow && !this.setup.hasWorkers;
  }

  note(text: string): void {
    this.log.push(`${(this.clock.now / 1_000).toFixed(3).padStart(8)} s  ${text}`);
  }

  open(state: TabState): void {
    const tab = new Tab(this.clock, `tab ${this.openedAt.push(this.clock.now)}`, state);
    const client = evaluateClient(tabGlobals(tab, this.#origin));
    const page = { tab, client, presence: this.#create(client), isStarted: true };
    this.pages.push(page);
    tab.task(() => page.presence.start());
  }

  close(page: Page): void {
    this.#noteEnd(page, true);
    this.#remove(page);
    page.tab.fire('pagehide', { persisted: false });
    page.tab.setHidden(true);
    this.clock.schedule(0, () => this.#release(page.tab, 1001));
  }

  crash(page: Page): void {
    this.#noteEnd(page, false);
    this.#remove(page);
    this.#release(page.tab, 1006);
  }

  reload(page: Page): void {
    const state = page.tab.isHidden ? 'hidden' : 'seen';
    this.close(page);
    this.clock.schedule(this.#dice.between(20, 300), () => this.open(state));
  }

  /** A navigation to another page, which keeps this one in memory. */
  cache(page: Page): void {
    this.#noteEnd(page, true);
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
    this.#noteEnd(page, false);
    page.tab.setHidden(true);
    this.clock.schedule(0, () => page.tab.freeze());
  }

  resume({ tab }: Page, isSeen: boolean): void {
    this.lastResumeAt = this.clock.now;
    tab.resume();
    if (isSeen) tab.setHidden(false);
  }

  setHidden(page: Page, isHidden: boolean): void {
    if (isHidden && this.setup.whenHidden === 'leave') this.#noteEnd(page, true);
    if (page.tab.isPrerendering) page.tab.activate();
    else page.tab.setHidden(isHidden);
  }

  stop(page: Page): void {
    this.#noteEnd(page, true);
    page.isStarted = false;
    page.tab.task(() => void page.presence.stop());
  }

  /** Another instance takes the place of this one, one task later. */
  swap(page: Page): void {
    this.ends.push({ at: this.clock.now, isClean: true, wasPresent: false, tab: page.tab });
    const [before, after] = [page.presence, this.#create(page.client)];
    Object.assign(page, { presence: after, isStarted: true });
    page.tab.task(() => void before.stop());
    this.clock.schedule(this.#dice.pick([0, 0, 20, 100]), () =>
      page.tab.task(() => {
        if (page.presence === after && page.isStarted) after.start();
      }),
    );
  }

  choose({ tab, presence }: Page, mood: Mood): void {
    this.choices.push({ at: this.clock.now, mood, tab });
    tab.task(() => presence.setMood(mood));
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

  #create(client: Client): Presence {
    return client.createPresence({ url: 'https://presence.example', whenHidden: this.setup.whenHidden });
  }

  #noteEnd(page: Page, isClean: boolean): void {
    const { tab } = page;
    this.ends.push({
      at: this.clock.now,
      isClean: isClean && tab.isRunning,
      wasPresent: this.isPresent(page),
      tab,
    });
  }

  #remove(page: Page): void {
    this.pages = this.pages.filter((other) => other !== page);
  }

  #release(tab: Tab, code: number): void {
    tab.close();
    this.network.release(tab, code);
    this.#origin.locks.release(tab);
    this.#origin.channels.release(tab);
  }
}
