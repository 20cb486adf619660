import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial, type HubName, INTERVAL_MS, TTL_MS } from './client-trial';
import { open } from './watched-page';

/** The promises of the client where one visitor has several tabs, and where a tab crashes or a socket breaks. */
export function testClientInTabs(hub: HubName): void {
  describe.skipIf(NO_CHROMIUM)(`tabs and failures, hub ${hub}`, () => {
    const trial = new ClientTrial(hub);

    it('three tabs count once together, and leave when the last of them closes', async () => {
      const context = await trial.visitor();
      const tabs: Page[] = [];
      const [, most] = await trial.countsWhile(async () => {
        for (let tab = 0; tab < 3; tab++) tabs.push((await trial.openPlain(context)).page);
      });
      expect(most).toBe(1);
      const before = trial.heartbeats;
      await pause(3 * INTERVAL_MS);
      // One of three tabs sends heartbeats, or none where it has a live socket.
      expect(trial.heartbeats - before).toBeLessThanOrEqual(hub === 'kv' ? 4 : 0);
      for (const tab of tabs) expect(await tab.title()).toBe('live 1');
      // The first tab that closes leads, and the second one does not.
      expect(await trial.countsWhile(async () => tabs[2]?.close())).toEqual([1, 1]);
      expect(await trial.countsWhile(async () => tabs[0]?.close())).toEqual([1, 1]);
      await pause(TTL_MS + 1_000);
      expect(await trial.count()).toBe(1);
      const closedAt = Date.now();
      await tabs[1]?.close();
      await expect.poll(trial.count, { interval: 20 }).toBe(0);
      expect(Date.now() - closedAt).toBeLessThan(2_500);
    });

    it('a tab without locks counts again after the other tab of its visitor closes', async () => {
      const context = await trial.visitor();
      await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
      const { page: first } = await trial.openPlain(context);
      const { page: second } = await trial.openPlain(context);
      await second.close();
      // The leave ends the session of both tabs. The other tab sends a heartbeat 1 s later.
      await pause(1_500);
      expect(await trial.count()).toBe(1);
      await first.close();
      await expect.poll(trial.count).toBe(0);
    });

    it('the session of a tab that crashes ends at most a time to live later', async () => {
      const context = await trial.visitor();
      const { page } = await trial.openPlain(context);
      const cdp = await context.newCDPSession(page);
      const crashedAt = Date.now();
      const crashed = page.waitForEvent('crash');
      void cdp.send('Page.crash').catch(() => undefined);
      await crashed;
      await expect.poll(trial.count, { interval: 50 }).toBe(0);
      const tookMs = Date.now() - crashedAt;
      expect(tookMs).toBeLessThan(TTL_MS + 2_500);
      // A broken live socket ends its session at once. On KV, the last heartbeat is at most an interval old.
      if (hub === 'kv') expect(tookMs).toBeGreaterThan(TTL_MS - INTERVAL_MS * 1.1 - 500);
    });

    if (hub === 'kv')
      it('a tab on KV requests no live socket, and shows a session of another client', async () => {
        const { page } = await trial.openPlain(await trial.visitor());
        const sessionId = crypto.randomUUID();
        const post = (path: string, body: object) =>
          fetch(`${trial.worker.origin}${path}`, { method: 'POST', body: JSON.stringify(body) });
        await post('/api/heartbeat', { sessionId, mood: 'release' });
        await expect.poll(() => page.title()).toBe('live 2');
        await post('/api/leave', { sessionId });
        expect(trial.worker.requests.filter((request) => request.includes('live'))).toEqual([]);
      });
    else {
      it('a tab with a live socket sends no heartbeats and never shows a count of 0', async () => {
        const { page, consoleErrors } = await trial.openPlain(await trial.visitor());
        await page.evaluate(() => {
          const counts: (number | undefined)[] = [];
          Object.assign(window, { counts });
          window.presence.subscribe(({ data }) => counts.push(data?.count));
        });
        await expect.poll(() => trial.worker.requests).toContain('GET /api/live 101');
        await pause(2_000);
        const before = trial.heartbeats;
        await pause(TTL_MS + 1_000);
        expect(trial.heartbeats).toBe(before);
        expect(await trial.count()).toBe(1);
        expect(await page.evaluate(() => (window as unknown as { counts: number[] }).counts)).not.toContain(
          0,
        );
        expect(consoleErrors).toEqual([]);
      });

      it('a tab sends heartbeats again when its live socket breaks', async () => {
        const { page } = await open(await trial.visitor(), 'about:blank');
        let breakSocket = () => {};
        await page.routeWebSocket(/\/api\/live$/, (socket) => {
          socket.connectToServer();
          breakSocket = () => void socket.close();
        });
        await page.goto(trial.plainPage());
        await expect.poll(() => page.title()).toBe('live 1');
        await pause(2_000);
        const before = trial.heartbeats;
        breakSocket();
        await expect.poll(() => trial.heartbeats).toBeGreaterThan(before);
        await pause(TTL_MS);
        expect(await page.title()).toBe('live 1');
        expect(await trial.count()).toBe(1);
      });
    }
  });
}
