import { type Action, apply } from './actions';
import { FakeBrowser, type Setup } from './fake-browser';
import { Invariants, type Violation } from './invariants';

/** Longer than the TTL and the recovery after `offline`. */
const REST_MS = 45_000;

export interface World {
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

/** Runs a world, then waits, closes what is left and waits again. Returns the violations, and what was observed. */
export async function runWorld(world: World): Promise<{ violations: readonly Violation[]; log: string[] }> {
  const browser = new FakeBrowser(world.setup);
  const invariants = new Invariants(browser);
  for (let index = 0; index < world.setup.tabsAtStart; index += 1) browser.open('seen');
  browser.note(`open ${world.setup.tabsAtStart} seen tabs`);
  for (const action of world.actions) {
    await browser.clock.advance(action.afterMs);
    if (apply(browser, action)) invariants.actionsAt.push(browser.clock.now);
    await browser.clock.advance(0);
  }
  while (browser.network.trouble !== 'none') await browser.clock.advance(1_000);
  await browser.clock.advance(REST_MS);
  for (const page of [...browser.pages]) {
    await browser.clock.advance(2_000);
    invariants.actionsAt.push(browser.clock.now);
    browser.note(`close a tab: ${page.tab.name}`);
    browser.close(page);
  }
  await browser.clock.advance(REST_MS);
  return { violations: invariants.violations, log: browser.log };
}
