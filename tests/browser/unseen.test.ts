import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DeployedWorker } from '../support/deployed-worker';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';

/** A host whose origin is not secure, so its pages have no locks. Chromium maps it to this machine. */
const WITHOUT_TLS = 'presence.test';

describe.skipIf(NO_CHROMIUM)('robots and prerendered pages', () => {
  let worker: DeployedWorker;
  let site: OtherSite;
  beforeAll(async () => {
    // The session of a failed attempt expires before the next attempt ends.
    worker = await DeployedWorker.start({ SESSION_TTL_SECONDS: '4' });
    site = await OtherSite.start(worker.origin);
  });
  afterAll(async () => {
    await site.close();
    await worker.dispose();
  });

  const count = async () => (await worker.presence()).count;
  const client = (options = '') => `
    import { createPresence } from '${worker.origin}/presence.js';
    const presence = createPresence({ ${options} });
    presence.subscribe(({ status, data }) => { document.title = status + ' ' + data?.count; });
    presence.start();
  `;

  describe('robots', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launch({ asRobot: true });
    });
    afterAll(() => browser.close());

    it('an automated browser only watches', async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(site.add('robot', { script: client() }));
      await expect.poll(() => page.title()).toBe('live 0');
      expect(worker.requests).not.toContain('POST /api/heartbeat 200');
      await page.close();
    });

    it.each([
      ['the option', '', () => client("robots: 'count'")],
      [
        'the attribute',
        '<presence-count robots="count">some</presence-count>',
        () => `import '${worker.origin}/presence-element.js';`,
      ],
    ])('an automated browser counts with %s', async (name, body, script) => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(site.add(name.replace(' ', '-'), { body, script: script() }));
      await expect.poll(count).toBe(1);
      await page.close();
      await expect.poll(count).toBe(0);
    });
  });

  describe('prerendered pages', () => {
    let browser: Browser;
    afterEach(() => browser.close());

    // Chromium may skip a prerendering. Then the test runs again.
    it.each(['with', 'without'])(
      'a prerendered page on a site %s TLS counts only after it is shown',
      { retry: 2, timeout: 60_000 },
      async (tls) => {
        await expect.poll(count).toBe(0);
        const before = worker.requests.length;
        browser = await launch({ args: [`--host-resolver-rules=MAP ${WITHOUT_TLS} 127.0.0.1`] });
        const toSite = (url: string) => (tls === 'with' ? url : url.replace('127.0.0.1', WITHOUT_TLS));
        const report = (what: string) => `fetch('${worker.origin}/${tls}/' + ${what});`;
        const next = toSite(
          site.add('next', {
            script: `
            ${report('document.prerendering')}
            document.addEventListener('prerenderingchange', () => { ${report("'shown'")} });
            ${client()}
          `,
          }),
        );
        const rules = JSON.stringify({ prerender: [{ urls: [next], eagerness: 'immediate' }] });
        const first = site.add('first', {
          script: `
          ${report('isSecureContext')}
          const script = document.createElement('script');
          script.type = 'speculationrules';
          script.textContent = ${JSON.stringify(rules)};
          // On a busy machine Chromium skips the prerendering for a page that is younger.
          setTimeout(() => document.head.append(script), 1_000);
          const signal = setInterval(async () => {
            const response = await fetch('${worker.origin}/api/presence');
            if ((await response.json()).moods.release === 0) return;
            clearInterval(signal);
            location.assign('${next}');
          }, 200);
        `,
        });
        const reports = () =>
          worker.requests
            .slice(before)
            .flatMap((request) => new RegExp(`/${tls}/(\\w+)`).exec(request)?.[1] ?? []);
        // Playwright allows no prerendering in its own pages.
        const session = await browser.newBrowserCDPSession();
        const { targetId } = await session.send('Target.createTarget', {
          url: toSite(first),
          newWindow: true,
        });
        await expect.poll(reports).toEqual([String(tls === 'with'), 'true']);
        await pause(1_000);
        expect(reports()).toHaveLength(2);
        expect(await count()).toBe(0);
        // This session makes the first page open the next one. A timer could end before Chromium prerenders the next page.
        const body = JSON.stringify({ sessionId: crypto.randomUUID(), mood: 'release' });
        await fetch(`${worker.origin}/api/heartbeat`, { method: 'POST', body });
        await expect.poll(reports).toContain('shown');
        await expect.poll(count).toBe(2);
        await fetch(`${worker.origin}/api/leave`, { method: 'POST', body });
        await session.send('Target.closeTarget', { targetId });
        await expect.poll(count).toBe(0);
      },
    );
  });
});
