import { setTimeout as pause } from 'node:timers/promises';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { blocksOf } from '../support/commands';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial } from './client-trial';
import { open } from './watched-page';

declare global {
  interface Window {
    setMood(mood: string): void;
  }
}

const [CLIENT = ''] = blocksOf('docs/own-client.md', 'js');
/** Heartbeats are 3 s apart. With a shorter interval, the next one hides an ended session. */
const TTL_MS = 9_000;
/** Longer than the first pause after a failure, which is at most 1 s. */
const RETRY_AFTER_SECONDS = 2;
/** The delay of each leave in the tests of a mood change. */
const LEAVE_DELAY_MS = 300;
/** The time between two heartbeats of the page with the known mistake. */
const MISTAKEN_INTERVAL_MS = 1_200;

describe.skipIf(NO_CHROMIUM)('the client of docs/own-client.md', () => {
  const trial = new ClientTrial('kv', { ttlMs: TTL_MS });

  /** Opens a page of another origin, and waits for its first answer. */
  async function openPage(context: BrowserContext, name: string, script: string, title = 'live 1') {
    const opened = await open(context, trial.site.add(name, { script }));
    await expect.poll(() => opened.page.title()).toBe(title);
    return opened;
  }

  const own = () => `
    ${CLIENT.replace('https://presence.example', trial.worker.origin)}
    window.setMood = startPresence('presence', (state, isStale) => {
      document.title = (isStale ? 'stale ' : 'live ') + state?.count;
    });
  `;

  /** A loop of heartbeats that changes the mood by a leave and a return. */
  const mistaken = () => `
    const api = '${trial.worker.origin}/api/';
    const sessionId = crypto.randomUUID();
    let mood = 'presence';
    let timer;
    async function beat() {
      clearTimeout(timer);
      timer = setTimeout(beat, ${MISTAKEN_INTERVAL_MS});
      const response = await fetch(api + 'heartbeat', { method: 'POST', body: JSON.stringify({ sessionId, mood }) });
      document.title = 'live ' + (await response.json()).count;
    }
    const leave = () => navigator.sendBeacon(api + 'leave', JSON.stringify({ sessionId }));
    window.setMood = (chosen) => {
      mood = chosen;
      leave();
      beat();
    };
    addEventListener('pagehide', leave);
    beat();
  `;

  const moods = async () => (await trial.worker.presence()).moods;
  const setMood = (page: Page, mood: string) => page.evaluate((chosen) => window.setMood(chosen), mood);
  const sessionIdOf = (page: Page) =>
    page.evaluate(() => JSON.parse(sessionStorage.getItem('presence visit') ?? '').sessionId);

  /** The smallest and the largest count while a page changes its mood, and for 0.5 s after it. Each leave is late. */
  async function countsWhileMoodChanges(page: Page, leaves: boolean) {
    await page.route('**/api/leave', async (route) => {
      await pause(LEAVE_DELAY_MS);
      await route.continue();
    });
    const counts = await trial.countsWhile(async () => {
      const left = leaves ? page.waitForResponse('**/api/leave') : undefined;
      await setMood(page, 'release');
      await left;
      await expect.poll(async () => (await moods()).release, { interval: 20 }).toBe(1);
    });
    // Otherwise the leave of a page that closes is lost.
    await page.unroute('**/api/leave');
    return counts;
  }

  it('a page with the client counts once at each moment of a mood change, without a preflight', async () => {
    const { page, consoleErrors } = await openPage(await trial.visitor(), 'own', own());
    expect(await moods()).toMatchObject({ presence: 1 });
    expect(await countsWhileMoodChanges(page, false)).toEqual([1, 1]);
    expect(await moods()).toMatchObject({ presence: 0, release: 1 });
    expect(trial.worker.requests.filter((request) => request.startsWith('OPTIONS'))).toEqual([]);
    expect(consoleErrors).toEqual([]);
  });

  it('a page that sends a leave at a mood change is not counted until its next heartbeat', async () => {
    const { page } = await openPage(await trial.visitor(), 'mistaken', mistaken());
    expect(await countsWhileMoodChanges(page, true)).toEqual([0, 1]);
    // Its own number is still 1, because the answer arrived before the leave.
    expect(await page.title()).toBe('live 1');
    await expect.poll(trial.count, { interval: 20 }).toBe(1);
  });

  it('a page with the client leaves at once when it closes', async () => {
    const { page } = await openPage(await trial.visitor(), 'own', own());
    const closedAt = Date.now();
    await page.close();
    await expect.poll(trial.count, { interval: 20 }).toBe(0);
    expect(Date.now() - closedAt).toBeLessThan(2_500);
  });

  it('a reloaded page counts again within 1.5 s, though the leave of the old page arrives last', async () => {
    const { page } = await openPage(await trial.visitor(), 'own', own());
    const id = await sessionIdOf(page);
    const counts: number[] = [];
    const lateLeave = async (route: Route) => {
      const response = await route.fetch();
      await fetch(`${trial.worker.origin}/api/leave`, {
        method: 'POST',
        body: JSON.stringify({ sessionId: id }),
      });
      counts.push(await trial.count());
      await route.fulfill({ response });
    };
    await page.route('**/api/heartbeat', lateLeave, { times: 1 });
    await page.reload();
    await expect.poll(() => page.title()).toBe('live 1');
    await expect.poll(trial.count, { interval: 20, timeout: 1_500 }).toBe(1);
    expect(counts).toEqual([0]);
    expect(await sessionIdOf(page)).toBe(id);
  });

  it('a page with the client counts again when the back/forward cache restores it', async () => {
    const { page } = await openPage(await trial.visitor(), 'own', own());
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
    await expect.poll(trial.count, { interval: 20 }).toBe(0);
    // A browser may fire this event before `pageshow`, when the id can be too old.
    await page.evaluate(() => dispatchEvent(new Event('visibilitychange')));
    await pause(300);
    expect(await trial.count()).toBe(0);
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await expect.poll(trial.count, { interval: 20, timeout: 1_500 }).toBe(1);
  });

  it('a page with the client keeps its number while the service fails, and waits for Retry-After', async () => {
    const { page } = await openPage(await trial.visitor(), 'own', own());
    const heartbeats: number[] = [];
    await page.route('**/api/heartbeat', (route) => {
      heartbeats.push(Date.now());
      const headers = {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Expose-Headers': 'Retry-After',
        'Retry-After': String(RETRY_AFTER_SECONDS),
      };
      return heartbeats.length === 1 ? route.fulfill({ status: 503, headers }) : route.continue();
    });
    await setMood(page, 'release');
    await expect.poll(() => page.title()).toBe('stale 1');
    await setMood(page, 'gratitude');
    // `pagehide` ends the timer of the wait. After `pageshow` the page must wait again.
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    await expect.poll(() => page.title()).toBe('live 1');
    const [failedAt = 0, triedAt = 0] = heartbeats;
    expect(triedAt - failedAt).toBeGreaterThanOrEqual(1_000 * RETRY_AFTER_SECONDS);
    expect(await moods()).toMatchObject({ gratitude: 1 });
  });

  it('a robot with the client reads the count, and never counts', async () => {
    const context = await trial.visitor();
    await context.addInitScript(() => Object.defineProperty(navigator, 'webdriver', { value: true }));
    const before = trial.heartbeats;
    const { page } = await openPage(context, 'own', own(), 'live 0');
    const read = page.waitForResponse('**/api/presence');
    await setMood(page, 'release');
    await read;
    expect(trial.heartbeats).toBe(before);
  });
});
