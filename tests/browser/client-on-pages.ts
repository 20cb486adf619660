import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial, type HubName, INTERVAL_MS, TTL_MS } from './client-trial';
import { open } from './watched-page';

/** The promises of the client on a page of another origin, in each of its three forms. */
export function testClientOnPages(hub: HubName): void {
  describe.skipIf(NO_CHROMIUM)(`client on pages, hub ${hub}`, () => {
    const trial = new ClientTrial(hub);

    it('a page sends heartbeats without a preflight, and leaves when it closes', async () => {
      const { page, consoleErrors } = await trial.openPlain(await trial.visitor());
      expect(await trial.worker.presence()).toMatchObject({ count: 1, moods: { gratitude: 1 } });
      await pause(TTL_MS + 1_000);
      expect(await page.title()).toBe('live 1');
      await page.evaluate(() => window.presence.setMood('release'));
      await expect.poll(async () => (await trial.worker.presence()).moods.release).toBe(1);
      expect(consoleErrors).toEqual([]);
      const closedAt = Date.now();
      await page.close();
      await expect.poll(trial.count, { interval: 20 }).toBe(0);
      expect(Date.now() - closedAt).toBeLessThan(2_500);
      const { requests } = trial.worker;
      expect(requests).toContain('POST /api/heartbeat 200');
      expect(requests.filter((request) => !/ (200|101|304)$/.test(request))).toEqual([]);
      expect(requests.filter((request) => request.startsWith('OPTIONS'))).toEqual([]);
    });

    it('a page in strict mode sends no leave while its React hook is mounted', async () => {
      const script = await trial.site.bundle('tests/browser/react-page.tsx');
      const { page, consoleErrors } = await open(await trial.visitor(), trial.site.add('react', { script }));
      const leaves = () => trial.worker.requests.filter((request) => request.includes('leave')).length;
      const before = leaves();
      const button = page.getByRole('button');
      await expect.poll(() => button.innerText()).toBe('1');
      const seen = await trial.countsWhile(async () => {
        await button.click();
        await expect.poll(async () => (await trial.worker.presence()).moods.release).toBe(1);
      });
      expect(seen).toEqual([1, 1]);
      expect(leaves()).toBe(before);
      expect(consoleErrors).toEqual([]);
    });

    it('an element keeps its session while it moves, and leaves with an empty mood or when it is removed', async () => {
      const { page, consoleErrors } = await open(
        await trial.visitor(),
        trial.site.add('element', {
          body: '<p>Breathing with <presence-count mood="connection">some</presence-count></p><div></div>',
          script: `import '${trial.worker.origin}/presence-element.js';`,
        }),
      );
      const element = page.locator('presence-count');
      const shown = () => element.evaluate((host) => host.shadowRoot?.textContent);
      await expect.poll(shown).toBe('1');
      expect(await element.innerText()).toBe('');
      expect(await element.getAttribute('status')).toBe('live');
      expect(await element.evaluate((host) => host.matches(':state(live)'))).toBe(true);
      const seen = await trial.countsWhile(() =>
        page.evaluate(() =>
          document.querySelector('div')?.append(document.querySelector('presence-count') ?? ''),
        ),
      );
      expect(seen).toEqual([1, 1]);
      await element.evaluate((host) => host.setAttribute('mood', 'gratitude'));
      await expect.poll(async () => (await trial.worker.presence()).moods.gratitude).toBe(1);
      await element.evaluate((host) => host.setAttribute('mood', ''));
      await expect.poll(shown).toBe('0');
      await element.evaluate((host) => host.setAttribute('mood', 'gratitude'));
      await expect.poll(shown).toBe('1');
      await element.evaluate((host) => host.remove());
      await expect.poll(trial.count).toBe(0);
      expect(consoleErrors).toEqual([]);
    });

    it('two tabs that only watch are not counted, and share one live socket if the hub is the room', async () => {
      const context = await trial.visitor();
      const sockets: string[] = [];
      context.on('page', (page) =>
        page.on('websocket', (socket) => {
          sockets.push('open');
          socket.on('close', () => sockets.push('close'));
        }),
      );
      const url = trial.plainPage('mood: null');
      const tabs = [await open(context, url), await open(context, url)];
      for (const { page } of tabs) await expect.poll(() => page.title()).toBe('live 0');
      await pause(3 * INTERVAL_MS);
      expect(sockets).toEqual(hub === 'kv' ? [] : ['open', 'close', 'open']);
      for (const { page } of tabs) expect(await page.title()).toBe('live 0');
      expect(await trial.count()).toBe(0);
    });

    it('a page counts without locks, storage, broadcast channels and workers', async () => {
      const context = await trial.visitor();
      await context.addInitScript(() => {
        Object.defineProperty(navigator, 'locks', { value: undefined });
        const refuse = () => {
          throw new DOMException('refused', 'SecurityError');
        };
        Object.defineProperty(window, 'localStorage', { get: refuse });
        for (const name of ['BroadcastChannel', 'Worker'])
          Object.defineProperty(window, name, { get: () => refuse });
      });
      const { page, consoleErrors } = await trial.openPlain(context);
      await pause(TTL_MS + 1_000);
      expect(await page.title()).toBe('live 1');
      expect(consoleErrors).toEqual([]);
      await page.close();
      await expect.poll(trial.count).toBe(0);
    });
  });
}
