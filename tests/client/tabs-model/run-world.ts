import { type Action, apply } from './actions';
import { FakeBrowser, type Setup } from './fake-browser';
import { Invariants, type Violation } from './invariants';
import type { ChannelName } from './model-channel';

/** Longer than the TTL and the recovery after `offline`. */
const REST_MS = 45_000;

export interface World {
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

/** Runs a world, then waits, closes what is left and waits again. Returns the violations, and what was observed. */
export async function runWorld(world: World): Promise<{ violations: readonly Violation[]; log: string[] }> {
  const browser = new FakeBrowser(world.setup);
  const observed = browser.channels.all.map((channel) => new Invariants(browser, channel));
  browser.clock.onStep = () => {
    for (const invariants of observed) invariants.check();
  };
  const noteAction = (names: readonly ChannelName[]) => {
    for (const { channel, actionsAt } of observed)
      if (names.includes(channel.name)) actionsAt.push(browser.clock.now);
  };
  for (let index = 0; index < world.setup.tabsAtStart; index += 1) browser.open('seen');
  browser.note(`open ${world.setup.tabsAtStart} seen tabs`);
  for (const action of world.actions) {
    await browser.clock.advance(action.afterMs);
    noteAction(apply(browser, action));
    await browser.clock.advance(0);
  }
  while (browser.network.trouble !== 'none') await browser.clock.advance(1_000);
  await browser.clock.advance(REST_MS);
  for (const page of [...browser.pages]) {
    await browser.clock.advance(2_000);
    noteAction(page.counters.map(({ channel }) => channel.name));
    browser.note(`close a tab: ${page.tab.name}`);
    browser.close(page);
  }
  await browser.clock.advance(REST_MS);
  return { violations: observed.flatMap(({ violations }) => violations), log: browser.log };
}
