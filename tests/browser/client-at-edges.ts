import { setTimeout as pause } from 'node:timers/promises';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial, type HubName } from './client-trial';
import { HydratedPage } from './hydrated-page';
import { open } from './watched-page';

/** A late leave, or a handover, may uncount a person for this time (ms). */
const UNCOUNTED_MAX_MS = 1_500;

/** What the client promises where one page follows another, and where one page has several copies of it. */
export function testClientAtEdges(hub: HubName): void {
  describe.skipIf(NO_CHROMIUM)(`at its edges, the client of a service with the hub ${hub}`, () => {
    // The usual times: a heartbeat that heals all within a second would hide what these tests look for.
    const trial = new ClientTrial(hub, { ttlMs: 30_000 });

    /** The longest time without a count of 1 (ms), while something happens and for 2.5 seconds after it. */
    async function longestUncounted(happens: () => Promise<unknown>): Promise<number> {
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
      await happens();
      await pause(2_500);
      isOver = true;
      await watching;
      return longest;
    }

    it('counts a person over a reload, though the leave of the old page comes late', async () => {
      const { page } = await trial.openPlain(await trial.visitor());
      await pause(1_500);
      expect(await longestUncounted(() => page.reload())).toBeLessThan(UNCOUNTED_MAX_MS);
    });

    it('counts a person without a break when one element replaces another in the next task', async () => {
      const { page, complaints } = await open(
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
      expect(complaints).toEqual([]);
    });

    it('counts six tabs that open at once as one person', async () => {
      const context = await trial.visitor();
      const url = trial.plainPage();
      const pages = await Promise.all(Array.from({ length: 6 }, () => context.newPage()));
      await Promise.all(pages.map((page) => page.goto(url)));
      // A session that another one replaces leaves within 1 s. Otherwise it counts for the TTL, 30 s.
      await expect.poll(trial.count, { timeout: 5_000 }).toBe(1);
      // The next heartbeat brings the count, up to ten seconds later.
      for (const page of pages) await expect.poll(() => page.title(), { timeout: 15_000 }).toBe('live 1');
      // A tab that takes the lead sends a heartbeat. One that closes meanwhile can stay counted for the TTL.
      for (const page of pages) {
        await page.close();
        await pause(500);
      }
    });

    it('is defined once on a page that loads its element twice', async () => {
      const { page, complaints } = await open(
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
      expect(complaints).toEqual([]);
    });

    it.each(['early', 'late'])(
      'hydrates in React without a warning, keeps its number and unmounts: %s',
      async (when) => {
        const service = trial.worker.origin;
        const rendered = renderToString(createElement(HydratedPage, { service, isLate: when === 'late' }));
        const script = await trial.site.bundle('tests/browser/hydrated-page.tsx');
        const { page, complaints } = await open(
          await trial.visitor(),
          trial.site.add('rendered', {
            body: `<main data-service="${service}" data-when="${when}">${rendered}</main>`,
            script: `import '${service}/presence-element.js';\n${script}`,
          }),
        );
        const element = page.locator('presence-count');
        const shown = () => element.evaluate((it) => it.shadowRoot?.textContent);
        await expect.poll(shown).toBe('1');
        await expect.poll(() => page.title()).toBe('hydrated');
        await page.getByRole('button', { name: 'Hide' }).click();
        await expect.poll(() => element.count()).toBe(0);
        await page.getByRole('button', { name: 'Show' }).click();
        await expect.poll(shown).toBe('1');
        // A page that closes during its first heartbeat may stay counted for the TTL.
        await pause(1_000);
        expect(complaints).toEqual([]);
      },
    );
  });
}
