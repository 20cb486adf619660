import * as fc from 'fast-check';
import { MOODS } from '../../../src/moods';
import type { FakeBrowser, Page, TabClient } from './fake-browser';
import { CHANNELS, type ChannelName } from './model-channel';
import { inChannel } from './network';

/** What a person, the browser or the network does. An action that is impossible returns false. */
const ACTIONS = {
  'open a visible tab': (browser) => browser.open('visible'),
  'open a hidden tab': (browser) => browser.open('hidden'),
  'open a prerendering tab': (browser) => browser.open('prerendering'),
  'open six tabs': (browser) => {
    for (let index = 0; index < 6; index += 1) browser.open(index === 0 ? 'visible' : 'hidden');
  },
  'open six visible tabs': (browser) => {
    for (let index = 0; index < 6; index += 1) browser.open('visible');
  },
  'close a tab': (browser, pick) => actOn(pick.page(isInTab), (page) => browser.close(page)),
  'close all tabs': (browser) => {
    for (const page of browser.pages.filter(isInTab)) browser.close(page);
  },
  'reload a tab': (browser, pick) => actOn(pick.page(isRunning), (page) => browser.reload(page)),
  'crash a tab': (browser, pick) => actOn(pick.page(isInTab), (page) => browser.crash(page)),
  'hide a tab': (browser, pick) => actOn(pick.page(isVisible), (page) => browser.setHidden(page, true)),
  'show a tab': (browser, pick) => actOn(pick.page(isHidden), (page) => browser.setHidden(page, false)),
  'freeze a tab': (browser, pick) => actOn(pick.page(isRunning), (page) => browser.freeze(page)),
  'resume a hidden tab': (browser, pick) => actOn(pick.page(isFrozen), (page) => browser.resume(page, false)),
  'resume a visible tab': (browser, pick) => actOn(pick.page(isFrozen), (page) => browser.resume(page, true)),
  'navigate away': (browser, pick) => actOn(pick.page(isRunning), (page) => browser.cache(page)),
  'navigate back': (browser, pick) => actOn(pick.page(isCached), (page) => browser.goBack(page)),
  'stop a client': (browser, pick) => actOn(pick.client(isOnTime), (client) => browser.stop(client)),
  'replace a client': (browser, pick) => actOn(pick.client(isOnTime), (client) => browser.replace(client)),
  'choose a mood': (browser, pick, random) =>
    actOn(
      // A hidden tab that only watches stores its choice. The leader reads it only at its next heartbeat.
      pick.client((client) => browser.isActive(client) && !(client.isWatching && client.tab.isHidden)),
      (client) => browser.choose(client, MOODS[random % MOODS.length] ?? MOODS[0]),
    ),
  'make a client watch': (browser, pick) =>
    actOn(
      pick.client((client) => browser.isPresent(client)),
      (client) => browser.watch(client),
    ),
  'lose the network': (browser, _, random) => browser.breakNetwork('offline', outageMs(random)),
  'let requests hang': (browser, _, random) => browser.breakNetwork('hanging', outageMs(random)),
} satisfies Record<string, Act>;

/** Picks a page or a client for which an action is possible. */
interface Pick {
  page(isPossible: (page: Page) => boolean): Page | undefined;
  client(isPossible: (client: TabClient) => boolean): TabClient | undefined;
}
type Act = (browser: FakeBrowser, pick: Pick, random: number) => unknown;
type ActionName = keyof typeof ACTIONS;

/** One action, `afterMs` after the one before. `random` chooses the tab, the client and the mood. */
export interface Action {
  readonly afterMs: number;
  readonly name: ActionName;
  readonly random: number;
}

const OUTAGES_MS = [500, 5_000, 20_000, 40_000, 150_000];
const outageMs = (random: number) => OUTAGES_MS[random % OUTAGES_MS.length] ?? 0;

const isInTab = ({ tab }: Page) => !tab.isCached;
const isRunning = ({ tab }: Page) => tab.isRunning && !tab.isPrerendering;
const isVisible = ({ tab }: Page) => tab.isRunning && !tab.isHidden;
const isHidden = ({ tab }: Page) => tab.isRunning && tab.isHidden;
const isFrozen = ({ tab }: Page) => tab.isFrozen && !tab.isCached;
const isCached = ({ tab }: Page) => tab.isFrozen && tab.isCached;
const isOnTime = ({ tab }: TabClient) => tab.isRunning && !tab.isPrerendering && !tab.isSlow;

function actOn<Picked>(picked: Picked | undefined, act: (picked: Picked) => void): boolean {
  if (picked !== undefined) act(picked);
  return picked !== undefined;
}

/** Does an action. Returns the channels that it can change, or none if it is impossible. */
export function apply(browser: FakeBrowser, { name, random }: Action): readonly ChannelName[] {
  const act: Act = ACTIONS[name];
  let picked: readonly TabClient[] | undefined;
  const pickOne = <Item>(possible: readonly Item[]) => possible[random % possible.length];
  const pick: Pick = {
    page(isPossible) {
      const page = pickOne(browser.pages.filter(isPossible));
      picked = page?.clients;
      return page;
    },
    client(isPossible) {
      const client = pickOne(browser.clients.filter(isPossible));
      picked = client && [client];
      return client;
    },
  };
  const index = browser.log.length;
  const isDone = act(browser, pick, random) !== false;
  if (!isDone) return [];
  browser.note(
    picked === undefined
      ? name
      : `${name}: ${picked.map(({ tab, channel }) => `${tab.name}${inChannel(channel)}`).join(', ')}`,
  );
  browser.log.splice(index, 0, ...browser.log.splice(-1));
  return picked === undefined ? CHANNELS : picked.map(({ channel }) => channel.name);
}

const COMMON: readonly ActionName[] = ['open a visible tab', 'close a tab', 'reload a tab', 'choose a mood'];
const RARE: readonly ActionName[] = [
  'open six tabs',
  'open six visible tabs',
  'close all tabs',
  'lose the network',
  'let requests hang',
];
/** Actions to leave out, separated by commas. A known fault hides the next one. */
const without = process.env['TABS_WITHOUT']?.split(',') ?? [];
const names = (Object.keys(ACTIONS) as ActionName[]).filter((each) => !without.includes(each));

const afterMs = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 25_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 25_000, max: 90_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 300_000, max: 420_000 }) },
);
const name = fc.oneof(
  ...names.map((each) => ({
    weight: COMMON.includes(each) ? 4 : RARE.includes(each) ? 1 : 2,
    arbitrary: fc.constant(each),
  })),
);

export const setups = fc.record({
  seed: fc.integer(),
  hasChannels: fc.boolean(),
  tabsAtStart: fc.constantFrom(1, 2, 6),
  isLive: fc.boolean(),
  hasWorkers: fc.oneof(
    { weight: 3, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  whenHidden: fc.oneof(
    { weight: 3, arbitrary: fc.constant('keep' as const) },
    { weight: 1, arbitrary: fc.constant('leave' as const) },
  ),
});

export const actions = fc.array(fc.record({ afterMs, name, random: fc.nat({ max: 11 }) }), {
  minLength: 1,
  maxLength: 12,
  size: 'max',
});
