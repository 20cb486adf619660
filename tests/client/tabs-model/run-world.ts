import { type Action, apply } from './actions';
import { FakeBrowser, type Setup } from './fake-browser';
import { Invariants, type Violation } from './invariants';
import type { ChannelName } from './model-channel';

/** Longer than the TTL of 30 s and the recovery of 12 s after `offline`. */
const REST_MS = 45_000;

/** What happens to one browser. */
export interface World {
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

/** Runs a world, waits, closes all tabs and waits again. Returns the violations and the log. */
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
  for (let index = 0; index < world.setup.tabsAtStart; index += 1) browser.open('visible');
  browser.note(`open ${world.setup.tabsAtStart} visible tabs`);
  for (const action of world.actions) {
    await browser.clock.advance(action.afterMs);
    noteAction(apply(browser, action));
    await browser.clock.advance(0);
  }
  while (browser.network.trouble !== 'none') await browser.clock.advance(1_000);
  await browser.clock.advance(REST_MS);
  for (const page of [...browser.pages]) {
    await browser.clock.advance(2_000);
    noteAction(page.clients.map(({ channel }) => channel.name));
    browser.note(`close a tab: ${page.tab.name}`);
    browser.close(page);
  }
  await browser.clock.advance(REST_MS);
  return { violations: observed.flatMap(({ violations }) => violations), log: browser.log };
}
