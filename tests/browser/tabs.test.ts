import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';
import type { Tab } from './tabs-page';

// These functions run in the page, which has no variables of the test.
declare function tab(name: string): Tab;
declare function until(holds: () => unknown): Promise<void>;

describe.skipIf(NO_CHROMIUM)('tabs of one browser', () => {
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

  it('the first tab that requests the lead gets it, and the next tab gets it when the first one quits', async () => {
    const result = await page.evaluate(async () => {
      const [first, second] = [tab('group'), tab('group')];
      first.tabs.lead(false);
      await until(() => first.tabs.leads);
      second.tabs.lead(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const before = second.changed;
      first.tabs.quit();
      await until(() => second.tabs.leads && second.changed);
      return [before, first.tabs.leads, first.changed];
    });
    expect(result).toEqual([0, false, 1]);
  });

  it('a tab takes the lead from another tab, which leads again when the first one quits', async () => {
    const led = await page.evaluate(async () => {
      const [first, second] = [tab('group'), tab('group')];
      first.tabs.lead(false);
      await until(() => first.tabs.leads);
      const before = first.changed;
      second.tabs.lead(true);
      await until(() => second.tabs.leads && !first.tabs.leads);
      // Otherwise both send heartbeats.
      await until(() => first.changed > before);
      second.tabs.quit();
      await until(() => first.tabs.leads);
      return [first.led, second.led];
    });
    expect(led).toEqual([0, 1]);
  });

  it('a tab that took the lead five times waits for it with one lock request', async () => {
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

  it('only a leader without other tabs is the last tab', async () => {
    const results = await page.evaluate(async () => {
      const [first, second] = [tab('group'), tab('group')];
      first.tabs.lead(true);
      await until(() => first.tabs.leads);
      second.tabs.lead(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await first.tabs.census();
      const results = [first.tabs.isLast()];
      first.tabs.quit();
      await until(() => second.tabs.leads);
      await second.tabs.census();
      const third = tab('group');
      third.tabs.lead(false);
      third.tabs.send('a message');
      await new Promise((resolve) => setTimeout(resolve, 50));
      results.push(third.tabs.isLast());
      third.tabs.quit();
      await new Promise((resolve) => setTimeout(resolve, 50));
      results.push(second.tabs.isLast());
      return results;
    });
    expect(results).toEqual([false, false, true]);
  });

  it('a tab sends a message only to the other tabs of its name', async () => {
    const received = await page.evaluate(async () => {
      const [first, second, outsider] = [tab('group'), tab('group'), tab('another group')];
      first.tabs.lead(true);
      await until(() => first.tabs.leads);
      first.tabs.send('a message');
      await until(() => second.received.length);
      second.tabs.quit();
      await until(() => first.changed);
      return [first.received, second.received, outsider.received, outsider.changed];
    });
    expect(received).toEqual([[], ['a message'], [], 0]);
  });

  it('a tab that quits before it gets the lead never leads, and does not block the next tab', async () => {
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

  it.each(['missing', 'refused'])('every tab leads and is the last tab where locks are %s', async (locks) => {
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
      return both.map(({ tabs }) => [tabs.leads, tabs.isLast()]);
    }, locks);
    expect(led).toEqual([
      [true, true],
      [true, true],
    ]);
  });
});
