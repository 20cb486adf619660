import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import { FirefoxTrial, type HubName, INTERVAL_MS, TTL_MS } from './firefox-trial';

/** A session ends within this time after its last page has closed. */
const LEAVE_MS_MAX = 2_500;
/** During a reload the service may lack a visitor for this time: an interval, and the time of the load. */
const RELOAD_MS_MAX = 1_500;
/** Firefox loses one leave in five if it aborts the script of a page that closes. */
const VISITS = 6;
const AFTER_RELOAD_MS = 5_000;

const NO_MOODS = { gratitude: 0, presence: 0, release: 0, connection: 0 };

/** The promises of the client on pages of another origin, where Firefox may differ from Chromium. */
export function testClientInFirefox(hub: HubName): void {
  describe(`client in Firefox, hub ${hub}`, () => {
    const trial = new FirefoxTrial(hub);

    async function leaveAndGoBack(page: Page): Promise<void> {
      await page.goto(trial.site.add('elsewhere', { script: '' }));
      await expect.poll(trial.count, { timeout: LEAVE_MS_MAX }).toBe(0);
      // Puppeteer's goBack waits for a load event, which a page from the cache does not have.
      await page.evaluate('void setTimeout(() => history.back())');
      await expect.poll(trial.count).toBe(1);
      await expect.poll(() => page.title()).toBe('live 1');
    }

    it('a visitor counts once for longer than the time to live, without preflights', async () => {
      const { page, consoleErrors } = await trial.openPlain(await trial.visitor());
      expect(await trial.moods()).toEqual({ ...NO_MOODS, gratitude: 1 });
      const counts = await trial.countsWhile(() => pause(TTL_MS + 1_000));
      expect(counts).toMatchObject({ min: 1, max: 1 });
      expect(await page.title()).toBe('live 1');
      await trial.closeLast(page);
      expect(consoleErrors).toEqual([]);
      const { requests } = trial.worker;
      expect(requests).toContain('POST /api/heartbeat 200');
      expect(requests.filter((request) => !/ (200|101|304)$/.test(request))).toEqual([]);
      expect(requests.filter((request) => request.startsWith('OPTIONS'))).toEqual([]);
    });

    it('a session ends when its page closes', async () => {
      const visitor = await trial.visitor();
      for (let visit = 0; visit < VISITS; visit++) {
        const { page } = await trial.openPlain(visitor);
        expect(await trial.closeLast(page)).toBeLessThan(LEAVE_MS_MAX);
      }
    });

    it('a reload counts no visitor twice, and leaves one uncounted for less than 1.5 s', async () => {
      const { page } = await trial.openPlain(await trial.visitor());
      const counts = await trial.countsWhile(async () => {
        await page.reload();
        await pause(AFTER_RELOAD_MS);
      });
      expect(counts.max).toBe(1);
      expect(counts.absentMs).toBeLessThan(RELOAD_MS_MAX);
      expect(await page.title()).toBe('live 1');
    });

    it('two tabs of a visitor count once until both are closed', async () => {
      const visitor = await trial.visitor();
      const { page: first } = await trial.openPlain(visitor);
      const { page: second } = await trial.openPlain(visitor);
      expect(await trial.countsWhile(() => second.close())).toMatchObject({ min: 1, max: 1 });
      const { page: third } = await trial.openPlain(visitor);
      expect(await trial.countsWhile(() => first.close())).toMatchObject({ min: 1, max: 1 });
      await pause(TTL_MS);
      expect(await trial.count()).toBe(1);
      expect(await third.title()).toBe('live 1');
      expect(await trial.closeLast(third)).toBeLessThan(LEAVE_MS_MAX);
    });

    it('a page sends a new mood', async () => {
      const { page, consoleErrors } = await trial.openPlain(await trial.visitor());
      await page.evaluate("presence.setMood('release')");
      await expect.poll(trial.moods).toEqual({ ...NO_MOODS, release: 1 });
      expect(consoleErrors).toEqual([]);
    });

    it('a mood from a second tab stays after that tab closes', async () => {
      const visitor = await trial.visitor();
      await trial.openPlain(visitor);
      const { page: second } = await trial.openPlain(visitor);
      await second.evaluate("presence.setMood('connection')");
      await expect.poll(trial.moods).toEqual({ ...NO_MOODS, connection: 1 });
      await second.close();
      await pause(2 * INTERVAL_MS);
      expect(await trial.moods()).toEqual({ ...NO_MOODS, connection: 1 });
    });

    it('a visitor counts again after a step back to the page', async () => {
      const { page } = await trial.openPlain(await trial.visitor());
      await leaveAndGoBack(page);
    });

    // Firefox does not cache a page with a lock, a live socket or a running request.
    if (hub === 'kv')
      it('a page counts again when the back/forward cache restores it', async () => {
        const { page } = await trial.openPlain(
          await trial.visitor(),
          `Object.defineProperty(navigator, 'locks', { value: undefined });
          addEventListener('pageshow', ({ persisted }) => { window.isFromCache = persisted; });`,
        );
        await pause(INTERVAL_MS / 2);
        await leaveAndGoBack(page);
        expect(await page.evaluate('isFromCache')).toBe(true);
      });

    it('a page shows stale without a connection, and live when the connection works again', async () => {
      const { page } = await trial.openPlain(await trial.visitor());
      trial.proxy.goOffline();
      await expect.poll(() => page.title()).toBe('stale 1');
      await expect.poll(trial.count).toBe(0);
      expect(await page.title()).toBe('stale 1');
      trial.proxy.goOnline();
      await expect.poll(() => page.title()).toBe('live 1');
      expect(await trial.count()).toBe(1);
    });

    it('an element shows the number, and leaves when it is removed', async () => {
      const url = trial.site.add('element', {
        body: '<presence-count mood="connection" robots="count">some</presence-count>',
        script: `import '${trial.proxy.origin}/presence-element.js';`,
      });
      const { page, consoleErrors } = await trial.open(await trial.visitor(), url);
      const shown = () =>
        page.$eval('presence-count', (element) => element.shadowRoot?.textContent || element.textContent);
      await expect.poll(shown).toBe('1');
      expect(await trial.moods()).toEqual({ ...NO_MOODS, connection: 1 });
      await page.$eval('presence-count', (element) => element.remove());
      await expect.poll(trial.count, { timeout: LEAVE_MS_MAX }).toBe(0);
      expect(consoleErrors).toEqual([]);
    });

    if (hub === 'durable-object') {
      it('a page sends no heartbeats while its live socket is open', async () => {
        await trial.openPlain(await trial.visitor());
        await expect.poll(() => trial.worker.requests).toContain('GET /api/live 101');
        await pause(INTERVAL_MS);
        const before = trial.heartbeats;
        const counts = await trial.countsWhile(() => pause(TTL_MS + 1_000));
        expect(counts).toMatchObject({ min: 1, max: 1 });
        expect(trial.heartbeats).toBe(before);
      });

      it('a page sends heartbeats again when its live socket breaks', async () => {
        const { page } = await trial.openPlain(await trial.visitor());
        await expect.poll(() => trial.worker.requests).toContain('GET /api/live 101');
        await pause(INTERVAL_MS);
        const before = trial.heartbeats;
        trial.proxy.breakConnections();
        await expect.poll(() => trial.heartbeats).toBeGreaterThan(before);
        await pause(TTL_MS);
        expect(await page.title()).toBe('live 1');
        expect(await trial.count()).toBe(1);
      });
    }
  });
}
