import * as fc from 'fast-check';
import { MOODS } from '../../../src/moods';
import type { FakeBrowser, Page } from './fake-browser';

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
  'close a tab': (browser, pick) => onTab(pick(isThere), (page) => browser.close(page)),
  'close all tabs': (browser) => {
    for (const page of browser.pages.filter(isThere)) browser.close(page);
  },
  'reload a tab': (browser, pick) => onTab(pick(isRunning), (page) => browser.reload(page)),
  'crash a tab': (browser, pick) => onTab(pick(isThere), (page) => browser.crash(page)),
  'hide a tab': (browser, pick) => onTab(pick(isSeen), (page) => browser.setHidden(page, true)),
  'show a tab': (browser, pick) => onTab(pick(isUnseen), (page) => browser.setHidden(page, false)),
  'freeze a tab': (browser, pick) => onTab(pick(isRunning), (page) => browser.freeze(page)),
  'resume a hidden tab': (browser, pick) => onTab(pick(isFrozen), (page) => browser.resume(page, false)),
  'resume a seen tab': (browser, pick) => onTab(pick(isFrozen), (page) => browser.resume(page, true)),
  'navigate away': (browser, pick) => onTab(pick(isRunning), (page) => browser.cache(page)),
  'navigate back': (browser, pick) => onTab(pick(isCached), (page) => browser.goBack(page)),
  'stop in a tab': (browser, pick) =>
    onTab(
      pick((page) => isRunning(page) && !page.tab.isSlow),
      (page) => browser.stop(page),
    ),
  'swap in a tab': (browser, pick) =>
    onTab(
      pick((page) => isRunning(page) && !page.tab.isSlow),
      (page) => browser.swap(page),
    ),
  'choose a mood': (browser, pick, random) =>
    onTab(
      pick((page) => browser.isPresent(page)),
      (page) => browser.choose(page, MOODS[random % MOODS.length] ?? MOODS[0]),
    ),
  'lose the network': (browser, _, random) => browser.breakNetwork('offline', outageMs(random)),
  'let requests hang': (browser, _, random) => browser.breakNetwork('hanging', outageMs(random)),
} satisfies Record<string, Act>;

type Pick = (isPossible: (page: Page) => boolean) => Page | undefined;
type Act = (browser: FakeBrowser, pick: Pick, random: number) => unknown;
export type ActionName = keyof typeof ACTIONS;

/** One action, a time after the one before it. `random` chooses the tab and the mood. */
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

function onTab(page: Page | undefined, act: (page: Page) => void): boolean {
  if (page !== undefined) act(page);
  return page !== undefined;
}

/** Does an action, and returns whether it was possible. */
export function apply(browser: FakeBrowser, { name, random }: Action): boolean {
  const act: Act = ACTIONS[name];
  let picked: Page | undefined;
  const pick: Pick = (isPossible) => {
    const possible = browser.pages.filter(isPossible);
    picked = possible[random % possible.length];
    return picked;
  };
  const index = browser.log.length;
  const isDone = act(browser, pick, random) !== false;
  if (!isDone) return false;
  browser.note(picked === undefined ? name : `${name}: ${picked.tab.name}`);
  browser.log.splice(index, 0, ...browser.log.splice(-1));
  return true;
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
