import * as fc from 'fast-check';
import { MOODS } from '../../../src/moods';
import type { Counter, FakeBrowser, Page } from './fake-browser';
import { CHANNELS, type ChannelName } from './model-channel';
import { inChannel } from './network';

/** Everything that happens to a browser. Each one returns false where it is impossible. */
const ACTIONS = {
  'open a seen tab': (browser) => browser.open('seen'),
  'open a hidden tab': (browser) => browser.open('hidden'),
  'open a prerendering tab': (browser) => browser.open('prerendering'),
  'open six tabs': (browser) => {
    for (let index = 0; index < 6; index += 1) browser.open(index === 0 ? 'seen' : 'hidden');
  },
  'open six seen tabs': (browser) => {
    for (let index = 0; index < 6; index += 1) browser.open('seen');
  },
  'close a tab': (browser, pick) => on(pick.page(isThere), (page) => browser.close(page)),
  'close all tabs': (browser) => {
    for (const page of browser.pages.filter(isThere)) browser.close(page);
  },
  'reload a tab': (browser, pick) => on(pick.page(isRunning), (page) => browser.reload(page)),
  'crash a tab': (browser, pick) => on(pick.page(isThere), (page) => browser.crash(page)),
  'hide a tab': (browser, pick) => on(pick.page(isSeen), (page) => browser.setHidden(page, true)),
  'show a tab': (browser, pick) => on(pick.page(isUnseen), (page) => browser.setHidden(page, false)),
  'freeze a tab': (browser, pick) => on(pick.page(isRunning), (page) => browser.freeze(page)),
  'resume a hidden tab': (browser, pick) => on(pick.page(isFrozen), (page) => browser.resume(page, false)),
  'resume a seen tab': (browser, pick) => on(pick.page(isFrozen), (page) => browser.resume(page, true)),
  'navigate away': (browser, pick) => on(pick.page(isRunning), (page) => browser.cache(page)),
  'navigate back': (browser, pick) => on(pick.page(isCached), (page) => browser.goBack(page)),
  'stop in a tab': (browser, pick) => on(pick.counter(isPrompt), (counter) => browser.stop(counter)),
  'swap in a tab': (browser, pick) => on(pick.counter(isPrompt), (counter) => browser.swap(counter)),
  'choose a mood': (browser, pick, random) =>
    on(
      // A hidden tab that only watches does not send its choice to the leader, which reads it at its next heartbeat.
      pick.counter((counter) => browser.isActive(counter) && !(counter.isWatching && counter.tab.isHidden)),
      (counter) => browser.choose(counter, MOODS[random % MOODS.length] ?? MOODS[0]),
    ),
  'watch in a tab': (browser, pick) =>
    on(
      pick.counter((counter) => browser.isPresent(counter)),
      (counter) => browser.watch(counter),
    ),
  'lose the network': (browser, _, random) => browser.breakNetwork('offline', outageMs(random)),
  'let requests hang': (browser, _, random) => browser.breakNetwork('hanging', outageMs(random)),
} satisfies Record<string, Act>;

/** Pick one of those for which an action is possible. */
interface Pick {
  page(isPossible: (page: Page) => boolean): Page | undefined;
  counter(isPossible: (counter: Counter) => boolean): Counter | undefined;
}
type Act = (browser: FakeBrowser, pick: Pick, random: number) => unknown;
export type ActionName = keyof typeof ACTIONS;

/** One action, a time after the one before it. `random` chooses the tab, the counter and the mood. */
export interface Action {
  readonly afterMs: number;
  readonly name: ActionName;
  readonly random: number;
}

const OUTAGES_MS = [500, 5_000, 20_000, 40_000, 150_000];
const outageMs = (random: number) => OUTAGES_MS[random % OUTAGES_MS.length] ?? 0;

const isThere = ({ tab }: Page) => !tab.isCached;
const isRunning = ({ tab }: Page) => tab.isRunning && !tab.isPrerendering;
const isSeen = ({ tab }: Page) => tab.isRunning && !tab.isHidden;
const isUnseen = ({ tab }: Page) => tab.isRunning && tab.isHidden;
const isFrozen = ({ tab }: Page) => tab.isFrozen && !tab.isCached;
const isCached = ({ tab }: Page) => tab.isFrozen && tab.isCached;
const isPrompt = ({ tab }: Counter) => tab.isRunning && !tab.isPrerendering && !tab.isSlow;

function on<Picked>(picked: Picked | undefined, act: (picked: Picked) => void): boolean {
  if (picked !== undefined) act(picked);
  return picked !== undefined;
}

/** Does an action, and returns the channels of the counters that it can change: none where it was not possible. */
export function apply(browser: FakeBrowser, { name, random }: Action): readonly ChannelName[] {
  const act: Act = ACTIONS[name];
  let picked: readonly Counter[] | undefined;
  const pickOne = <Item>(possible: readonly Item[]) => possible[random % possible.length];
  const pick: Pick = {
    page(isPossible) {
      const page = pickOne(browser.pages.filter(isPossible));
      picked = page?.counters;
      return page;
    },
    counter(isPossible) {
      const counter = pickOne(browser.counters.filter(isPossible));
      picked = counter && [counter];
      return counter;
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

const COMMON: readonly ActionName[] = ['open a seen tab', 'close a tab', 'reload a tab', 'choose a mood'];
const RARE: readonly ActionName[] = [
  'open six tabs',
  'open six seen tabs',
  'close all tabs',
  'lose the network',
  'let requests hang',
];
/** Actions that these worlds do without, with commas: a known fault hides the next one. */
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
