import { setTimeout as pause } from 'node:timers/promises';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial, type HubName } from './client-trial';
import { HydratedPage } from './hydrated-page';
import { open } from './watched-page';

/** After a late leave or a handover, the service may lack a person for this time (ms). */
const UNCOUNTED_MAX_MS = 1_500;

/** The promises of the client where a page or an element replaces another, or is there several times. */
export function testClientAtEdges(hub: HubName): void {
  describe.skipIf(NO_CHROMIUM)(`replaced pages, hub ${hub}`, () => {
    // The default times. With shorter ones, the next heartbeat hides a lost session within a second.
    const trial = new ClientTrial(hub, { ttlMs: 30_000 });

    /** The longest time without a count of 1 (ms), during an action and for 2.5 s after it. */
    async function longestUncounted(action: () => Promise<unknown>): Promise<number> {
      let longest = 0;
      let countedAt = Date.now();
      let isOver = false;
      const watching = (async () => {
        while (!isOver) {
          if ((await trial.count()) === 1) countedAt = Date.now();
          longest = Math.max(longest, Date.now() - countedAt);
          await pause(20);
        }
      })();
      await action();
      await pause(2_500);
      isOver = true;
      await watching;
      return longest;
    }

    it('a reload leaves a person uncounted for less than 1.5 s', async () => {
      const { page } = await trial.openPlain(await trial.visitor());
      await pause(1_500);
      expect(await longestUncounted(() => page.reload())).toBeLessThan(UNCOUNTED_MAX_MS);
    });

    it('an element that replaces another one in the next task keeps the person counted, without a leave', async () => {
      const { page, consoleErrors } = await open(
        await trial.visitor(),
        trial.site.add('swap', {
          body: '<main><presence-count>some</presence-count></main>',
          script: `import '${trial.worker.origin}/presence-element.js';`,
        }),
      );
      await expect.poll(trial.count).toBe(1);
      await pause(1_500);
      const leaves = () => trial.worker.requests.filter((request) => request.includes('leave')).length;
      const before = leaves();
      const swap = () =>
        page.evaluate(() => {
          const main = document.querySelector('main');
          main?.replaceChildren();
          setTimeout(() => main?.append(document.createElement('presence-count')));
        });
      expect(await longestUncounted(swap)).toBeLessThan(300);
      expect(leaves()).toBe(before);
      expect(consoleErrors).toEqual([]);
    });

    it('six tabs that open at once count as one person', async () => {
      const context = await trial.visitor();
      const url = trial.plainPage();
      const pages = await Promise.all(Array.from({ length: 6 }, () => context.newPage()));
      await Promise.all(pages.map((page) => page.goto(url)));
      // A session that another one replaces leaves within 1 s. Otherwise it counts for the TTL, 30 s.
      await expect.poll(trial.count, { timeout: 5_000 }).toBe(1);
      // The next heartbeat reads the count, up to 11 s later.
      for (const page of pages) await expect.poll(() => page.title(), { timeout: 15_000 }).toBe('live 1');
      // A tab that takes the lead sends a heartbeat. If it closes meanwhile, its session can last for the TTL.
      for (const page of pages) {
        await page.close();
        await pause(500);
      }
    });

    it('a page that loads the script of the element twice counts once, without an error', async () => {
      const { page, consoleErrors } = await open(
        await trial.visitor(),
        trial.site.add('twice', {
          body: '<presence-count>some</presence-count>',
          script: `
            import '${trial.worker.origin}/presence-element.js';
            import '${trial.worker.origin}/presence-element.js?v=2';
            document.title = 'started';
          `,
        }),
      );
      await expect.poll(() => page.title()).toBe('started');
      await expect.poll(trial.count).toBe(1);
      expect(consoleErrors).toEqual([]);
    });

    it.each(['early', 'late'])(
      'an element that React hydrates %s shows its number again after it was hidden, without a warning',
      async (when) => {
        const service = trial.worker.origin;
        const rendered = renderToString(createElement(HydratedPage, { service, isLate: when === 'late' }));
        const script = await trial.site.bundle('tests/browser/hydrated-page.tsx');
        const { page, consoleErrors } = await open(
          await trial.visitor(),
          trial.site.add('rendered', {
            body: `<main data-service="${service}" data-when="${when}">${rendered}</main>`,
            script: `import '${service}/presence-element.js';\n${script}`,
          }),
        );
        const element = page.locator('presence-count');
        const shown = () => element.evaluate((host) => host.shadowRoot?.textContent);
        await expect.poll(shown).toBe('1');
        await expect.poll(() => page.title()).toBe('hydrated');
        await page.getByRole('button', { name: 'Hide' }).click();
        await expect.poll(() => element.count()).toBe(0);
        await page.getByRole('button', { name: 'Show' }).click();
        await expect.poll(shown).toBe('1');
        // If a page closes during its first heartbeat, its session may last for the TTL.
        await pause(1_000);
        expect(consoleErrors).toEqual([]);
      },
    );
  });
}
