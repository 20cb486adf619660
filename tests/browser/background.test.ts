import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeployedWorker } from '../support/deployed-worker';
import { BackgroundPage, THROTTLED } from './background-page';
import { launch, NO_CHROMIUM } from './chromium';
import { OtherSite } from './other-site';

const TTL_MS = 5_000;
const INTERVAL_MS = 1_500;
/** Chromium slows a hidden page down within a minute. Then it runs the timers of the page once a minute. */
const THROTTLED_WITHIN_MS = 75_000;

describe.skipIf(NO_CHROMIUM)('pages in the background', () => {
  let worker: DeployedWorker;
  let browser: Browser;
  let site: OtherSite;
  beforeAll(async () => {
    worker = await DeployedWorker.start({ SESSION_TTL_SECONDS: String(TTL_MS / 1_000) });
    browser = await launch(THROTTLED);
    site = await OtherSite.start(worker.origin);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
    await worker.dispose();
  });

  const moods = async () => (await worker.presence()).moods;
  const client = (options: string) => `
    import { createPresence } from '${worker.origin}/presence.js';
    createPresence({ intervalMs: ${INTERVAL_MS}, ${options} }).start();
  `;
  /** The script of a page without the client: a loop of timeouts. */
  const loop = () => `
    const body = JSON.stringify({ sessionId: crypto.randomUUID(), mood: 'release' });
    (function beat() {
      fetch('${worker.origin}/api/heartbeat', { method: 'POST', body });
      setTimeout(beat, ${INTERVAL_MS});
    })();
  `;

  it('a hidden page counts with "keep" and leaves with "leave", and the session of a loop of timeouts expires', {
    timeout: 100_000,
  }, async () => {
    const scripts = {
      loop: loop(),
      keep: client("mood: 'gratitude', sessionId: crypto.randomUUID()"),
      leave: client("mood: 'connection', whenHidden: 'leave', sessionId: crypto.randomUUID()"),
    };
    const pages: BackgroundPage[] = [];
    for (const [name, script] of Object.entries(scripts))
      pages.push(await BackgroundPage.open(browser, site.add(name, { script })));
    await expect.poll(moods).toEqual({ gratitude: 1, presence: 0, release: 1, connection: 1 });
    await pause(1_000);

    for (const page of pages) {
      await page.setWindow('minimized');
      await expect.poll(() => page.evaluate('document.visibilityState')).toBe('hidden');
    }
    await expect.poll(async () => (await moods()).connection).toBe(0);

    let isLoopExpired = false;
    for (
      const hiddenAt = Date.now();
      !isLoopExpired && Date.now() - hiddenAt < THROTTLED_WITHIN_MS;
      await pause(250)
    ) {
      const now = await moods();
      expect(now.gratitude).toBe(1);
      isLoopExpired = now.release === 0;
    }
    expect(isLoopExpired).toBe(true);
    for (const until = Date.now() + 3 * TTL_MS; Date.now() < until; await pause(250))
      expect((await moods()).gratitude).toBe(1);

    for (const page of pages) await page.setWindow('normal');
    await expect.poll(moods).toEqual({ gratitude: 1, presence: 0, release: 1, connection: 1 });
  });
});
