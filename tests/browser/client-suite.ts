import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Presence } from '../../src/client/presence';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';
import { close, open } from './watched-page';
import { Worker } from './worker';

declare global {
  interface Window {
    presence: Presence;
  }
}

const TTL_MS = 5_000;
const INTERVAL_MS = 1_500;

/** The title of the page is the snapshot. */
const PLAIN = (service: string, options = "mood: 'gratitude'") => `
  import { createPresence } from '${service}/presence.js';
  window.presence = createPresence({ ${options}, intervalMs: ${INTERVAL_MS} });
  presence.subscribe(({ status, data }) => { document.title = status + ' ' + data?.count; });
  presence.start();
`;

/** What the client promises on a page of another origin, whatever hub the service has. */
export function describeClient(hub: 'kv' | 'durable-object'): void {
  describe.skipIf(NO_CHROMIUM)('the client on a page of another origin', () => {
    const worker = new Worker(hub);
    const service = worker.origin;
    let site: OtherSite;
    let browser: Browser;
    let contexts: BrowserContext[] = [];
    beforeAll(async () => {
      browser = await launch();
      site = await OtherSite.start(service);
    });
    afterAll(async () => {
      await browser.close();
      await site.close();
    });
    afterEach(async () => {
      for (const context of contexts) await close(context);
      contexts = [];
      await expect.poll(count).toBe(0);
    });

    const count = async () => (await worker.presence()).count;
    /** How many heartbeats the browsers of this test have sent. */
    let beats = 0;

    async function person() {
      const context = await browser.newContext();
      contexts.push(context);
      context.on('request', (request) => {
        if (request.url().endsWith('/api/heartbeat')) beats++;
      });
      return context;
    }

    /** The smallest and the largest count that anybody is told while something happens, and half a second longer. */
    async function counts(happens: () => Promise<unknown>): Promise<readonly number[]> {
      const seen: number[] = [];
      let over = false;
      const watching = (async () => {
        while (!over) {
          seen.push(await count());
          await pause(10);
        }
      })();
      await happens();
      await pause(500);
      over = true;
      await watching;
      return [Math.min(...seen), Math.max(...seen)];
    }

    it('beats, with no preflight, and leaves when it is closed', async () => {
      const context = await person();
      const { page, complaints } = await open(context, site.add('plain', { script: PLAIN(service) }));
      await expect.poll(() => page.title()).toBe('live 1');
      expect(await worker.presence()).toMatchObject({ count: 1, moods: { gratitude: 1 } });
      await pause(TTL_MS + 1_000);
      expect(await page.title()).toBe('live 1');
      await page.evaluate(() => window.presence.setMood('release'));
      await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
      expect(complaints).toEqual([]);
      const closedAt = Date.now();
      await page.close();
      await expect.poll(count, { interval: 20 }).toBe(0);
      expect(Date.now() - closedAt).toBeLessThan(2_500);
      expect(worker.requests).toContain('POST /api/heartbeat 200');
      expect(worker.requests.filter((request) => !/ (200|101|304)$/.test(request))).toEqual([]);
      expect(worker.requests.filter((request) => request.startsWith('OPTIONS'))).toEqual([]);
    });

    it('is a hook of React, strict, that never leaves while it is mounted', async () => {
      const script = await site.bundle('tests/browser/react-page.tsx');
      const { page, complaints } = await open(await person(), site.add('react', { script }));
      const left = worker.requests.filter((request) => request.includes('leave')).length;
      const button = page.getByRole('button');
      await expect.poll(() => button.innerText()).toBe('1');
      const seen = await counts(async () => {
        await button.click();
        await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
      });
      expect(seen).toEqual([1, 1]);
      expect(worker.requests.filter((request) => request.includes('leave'))).toHaveLength(left);
      expect(complaints).toEqual([]);
    });

    it('is an element, which may be moved, changed and removed', async () => {
      const { page, complaints } = await open(
        await person(),
        site.add('element', {
          body: '<p>Breathing with <presence-count mood="connection">nobody</presence-count></p><div></div>',
          script: `import '${service}/presence-element.js';`,
        }),
      );
      const element = page.locator('presence-count');
      await expect.poll(() => element.innerText()).toBe('1');
      expect(await element.getAttribute('status')).toBe('live');
      const seen = await counts(() =>
        page.evaluate(() =>
          document.querySelector('div')?.append(document.querySelector('presence-count') ?? ''),
        ),
      );
      expect(seen).toEqual([1, 1]);
      await element.evaluate((it) => it.setAttribute('mood', 'gratitude'));
      await expect.poll(async () => (await worker.presence()).moods.gratitude).toBe(1);
      await element.evaluate((it) => it.setAttribute('mood', ''));
      await expect.poll(() => element.innerText()).toBe('0');
      await element.evaluate((it) => it.setAttribute('mood', 'gratitude'));
      await expect.poll(() => element.innerText()).toBe('1');
      await element.evaluate((it) => it.remove());
      await expect.poll(count).toBe(0);
      expect(complaints).toEqual([]);
    });

    it('counts the tabs of one browser once, and not until the last of them is closed they leave', async () => {
      const context = await person();
      const url = site.add('plain', { script: PLAIN(service) });
      const tabs: Page[] = [];
      const opening = await counts(async () => {
        for (let tab = 0; tab < 3; tab++) {
          const { page } = await open(context, url);
          tabs.push(page);
          await expect.poll(() => page.title()).toBe('live 1');
        }
      });
      expect(opening[1]).toBe(1);
      const before = beats;
      await pause(3 * INTERVAL_MS);
      // One of three beats, or none that has a socket.
      expect(beats - before).toBeLessThanOrEqual(hub === 'kv' ? 4 : 0);
      for (const tab of tabs) expect(await tab.title()).toBe('live 1');
      // The last one leads; and one that does not.
      expect(await counts(async () => tabs[2]?.close())).toEqual([1, 1]);
      expect(await counts(async () => tabs[0]?.close())).toEqual([1, 1]);
      await pause(TTL_MS + 1_000);
      expect(await count()).toBe(1);
      const closedAt = Date.now();
      await tabs[1]?.close();
      await expect.poll(count, { interval: 20 }).toBe(0);
      expect(Date.now() - closedAt).toBeLessThan(2_500);
    });

    it('drops who was killed after the time to live', async () => {
      const context = await person();
      const { page } = await open(context, site.add('plain', { script: PLAIN(service) }));
      await expect.poll(() => page.title()).toBe('live 1');
      const cdp = await context.newCDPSession(page);
      const killedAt = Date.now();
      const gone = page.waitForEvent('crash');
      void cdp.send('Page.crash').catch(() => undefined);
      await gone;
      await expect.poll(count, { interval: 50 }).toBe(0);
      const tookMs = Date.now() - killedAt;
      expect(tookMs).toBeLessThan(TTL_MS + 2_500);
      // Whose socket breaks is gone at once; the others were heard an interval ago at most.
      if (hub === 'kv') expect(tookMs).toBeGreaterThan(TTL_MS - INTERVAL_MS * 1.1 - 500);
    });

    it('only watches in two tabs, each with a socket if there are any, and nobody is counted', async () => {
      const context = await person();
      const sockets: string[] = [];
      context.on('page', (page) =>
        page.on('websocket', (socket) => {
          sockets.push('open');
          socket.on('close', () => sockets.push('close'));
        }),
      );
      const url = site.add('watch', { script: PLAIN(service, 'mood: null') });
      const tabs = [await open(context, url), await open(context, url)];
      for (const { page } of tabs) await expect.poll(() => page.title()).toBe('live 0');
      await pause(3 * INTERVAL_MS);
      expect(sockets).toEqual(hub === 'kv' ? [] : ['open', 'open']);
      for (const { page } of tabs) expect(await page.title()).toBe('live 0');
      expect(await count()).toBe(0);
    });

    it('does without locks and storage, and without a worker', async () => {
      const context = await person();
      await context.addInitScript(() => {
        Object.defineProperty(navigator, 'locks', { value: undefined });
        const refuse = () => {
          throw new DOMException('refused', 'SecurityError');
        };
        Object.defineProperty(window, 'localStorage', { get: refuse });
        for (const name of ['BroadcastChannel', 'Worker'])
          Object.defineProperty(window, name, { get: () => refuse });
      });
      const { page, complaints } = await open(context, site.add('plain', { script: PLAIN(service) }));
      await expect.poll(() => page.title()).toBe('live 1');
      await pause(TTL_MS + 1_000);
      expect(await page.title()).toBe('live 1');
      expect(complaints).toEqual([]);
      await page.close();
      await expect.poll(count).toBe(0);
    });

    it('is one person in two tabs without locks, too, who goes on when one of them is closed', async () => {
      const context = await person();
      await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
      const url = site.add('plain', { script: PLAIN(service) });
      const { page } = await open(context, url);
      const { page: second } = await open(context, url);
      for (const tab of [page, second]) await expect.poll(() => tab.title()).toBe('live 1');
      await second.close();
      // It has left for both; the other one says a second later that it is still here.
      await pause(1_500);
      expect(await count()).toBe(1);
      await page.close();
      await expect.poll(count).toBe(0);
    });

    if (hub === 'kv')
      it('asks for no live socket, and tells what others do at the next heartbeat', async () => {
        const { page } = await open(await person(), site.add('plain', { script: PLAIN(service) }));
        await expect.poll(() => page.title()).toBe('live 1');
        const sessionId = crypto.randomUUID();
        await fetch(`${service}/api/heartbeat`, {
          method: 'POST',
          body: JSON.stringify({ sessionId, mood: 'release' }),
        });
        await expect.poll(() => page.title()).toBe('live 2');
        await fetch(`${service}/api/leave`, { method: 'POST', body: JSON.stringify({ sessionId }) });
        expect(worker.requests.filter((request) => request.includes('live'))).toEqual([]);
      });
    else
      it('takes the live socket, and goes on with heartbeats when it breaks', async () => {
        const context = await person();
        const { page, complaints } = await open(context, site.add('plain', { script: PLAIN(service) }));
        await page.evaluate(() => {
          const told: (number | undefined)[] = [];
          Object.assign(window, { told });
          window.presence.subscribe(({ data }) => told.push(data?.count));
        });
        await expect.poll(() => worker.requests).toContain('GET /api/live 101');
        await pause(2_000);
        const before = beats;
        await pause(TTL_MS + 1_000);
        expect(beats).toBe(before);
        expect(await count()).toBe(1);
        // Nobody is told that they are not there themselves.
        expect(await page.evaluate(() => (window as unknown as { told: number[] }).told)).not.toContain(0);
        expect(complaints).toEqual([]);
        await page.close();

        const { page: broken } = await open(context, 'about:blank');
        let breakIt = () => {};
        await broken.routeWebSocket(/\/api\/live$/, (socket) => {
          socket.connectToServer();
          breakIt = () => void socket.close();
        });
        await broken.goto(`${site.origin}/plain`);
        await expect.poll(() => broken.title()).toBe('live 1');
        await pause(2_000);
        const atBreak = beats;
        breakIt();
        await expect.poll(() => beats).toBeGreaterThan(atBreak);
        await pause(TTL_MS);
        expect(await broken.title()).toBe('live 1');
        expect(await count()).toBe(1);
      });
  });
}
