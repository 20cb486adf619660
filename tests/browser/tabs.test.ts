import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';
import type { Tab } from './tabs-page';

// These run in the page: vitest's own variables are not there.
declare function tab(name: string): Tab;
declare function until(holds: () => unknown): Promise<void>;

describe.skipIf(NO_CHROMIUM)('the tabs of a browser', () => {
  let browser: Browser;
  let site: OtherSite;
  let page: Page;
  beforeAll(async () => {
    browser = await launch();
    site = await OtherSite.start('http://localhost');
    site.add('tabs', { script: await site.bundle('tests/browser/tabs-page.ts') });
  });
  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(`${site.origin}/tabs`);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('the first that asks leads, and the next when it quits', async () => {
    const led = await page.evaluate(async () => {
      const [first, second] = [tab('group'), tab('group')];
      first.tabs.lead(false);
      await until(() => first.tabs.leads);
      second.tabs.lead(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const before = second.heard.length;
      first.tabs.quit();
      await until(() => second.tabs.leads);
      return [before, first.tabs.leads, first.heard, second.heard];
    });
    // It is told as if the other had said that it goes: nobody knows whether it has left for all.
    expect(led).toEqual([0, false, [undefined], [undefined, undefined]]);
  });

  it('one can take the lead, and the other gets it back', async () => {
    const led = await page.evaluate(async () => {
      const [first, second] = [tab('group'), tab('group')];
      first.tabs.lead(false);
      await until(() => first.tabs.leads);
      const before = first.heard.length;
      second.tabs.lead(true);
      await until(() => second.tabs.leads && !first.tabs.leads);
      await until(() => first.heard.length > before);
      second.tabs.quit();
      await until(() => first.tabs.leads);
      return [first.led, second.led];
    });
    // The other one is told, so that it does not beat as well.
    expect(led).toEqual([0, 1]);
  });

  it('one that has often taken the lead waits for it once', async () => {
    const waiting = await page.evaluate(async () => {
      const both = [tab('group'), tab('group')];
      for (let round = 0; round < 5; round++)
        for (const { tabs } of both) {
          tabs.lead(true);
          await until(() => tabs.leads);
        }
      await until(() => !both[0]?.tabs.leads);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return (await navigator.locks.query()).pending?.length;
    });
    expect(waiting).toBe(1);
  });

  it('one knows whether it is alone', async () => {
    const alone = await page.evaluate(async () => {
      const first = tab('group');
      first.tabs.lead(true);
      await until(() => first.tabs.leads);
      await first.tabs.census();
      const before = first.tabs.alone;
      const second = tab('group');
      second.tabs.lead(false);
      await until(() => first.tabs.census().then(() => !first.tabs.alone));
      second.tabs.quit();
      // It is told.
      await until(() => first.tabs.alone);
      return before;
    });
    expect(alone).toBe(true);
  });

  it('one tells the others, and not those of another name', async () => {
    const heard = await page.evaluate(async () => {
      const [first, second, stranger] = [tab('group'), tab('group'), tab('strangers')];
      first.tabs.tell('news');
      await until(() => second.heard.length);
      second.tabs.quit();
      await until(() => first.heard.length);
      return [first.heard, second.heard, stranger.heard];
    });
    expect(heard).toEqual([[undefined], ['news'], []]);
  });

  it('one that has quit leads no more, though it had asked, and is in nobody’s way', async () => {
    const led = await page.evaluate(async () => {
      const one = tab('group');
      one.tabs.lead(true);
      one.tabs.quit();
      const next = tab('group');
      next.tabs.lead(false);
      await until(() => next.tabs.leads);
      return [one.led, one.tabs.leads];
    });
    expect(led).toEqual([0, false]);
  });

  it.each(['missing', 'refused'])(
    'where locks are %s every one leads, and believes that it is alone',
    async (locks) => {
      const led = await page.evaluate(async (locks) => {
        const refuse = () => Promise.reject(new DOMException('opaque origin', 'SecurityError'));
        const value = locks === 'missing' ? undefined : { request: refuse, query: refuse };
        Object.defineProperty(navigator, 'locks', { value });
        const both = [tab('group'), tab('group')];
        for (const { tabs } of both) {
          tabs.lead(false);
          await until(() => tabs.leads);
          await tabs.census();
        }
        return both.map(({ tabs }) => [tabs.leads, tabs.alone]);
      }, locks);
      expect(led).toEqual([
        [true, true],
        [true, true],
      ]);
    },
  );
});
