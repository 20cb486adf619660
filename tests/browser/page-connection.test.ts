import type { Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { PageTrial, shown } from './page-trial';
import { open } from './watched-page';

describe.skipIf(NO_CHROMIUM)('connection states and failures', () => {
  const trial = new PageTrial();

  it('a page without a connection keeps the last count with its time, and counts again when it is online', async () => {
    const { page, context } = await trial.person();
    await expect.poll(() => shown(page)).toBe('You are here.');
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    expect(await page.locator('#note').isVisible()).toBe(false);
    expect(await page.getByText('Reconnecting…').innerText()).toMatch(/Counted at \d+:\d\d [AP]M\.$/);
    expect(await shown(page)).toBe('You are here.');
    const spoken = page.getByRole('status');
    await expect.poll(() => spoken.innerText()).toBe('Reconnecting. The last count was 1 person.');
    await context.setOffline(false);
    await page.getByText('Reconnecting…').waitFor({ state: 'hidden' });
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
  });

  it('a page shows "Connecting" before its first answer, and "Reconnecting" after a later failure', async () => {
    const context = await trial.profile();
    const block = (route: Route) => route.abort();
    await context.route('**/api/**', block);
    const { page } = await open(context, trial.url);
    const spoken = page.getByRole('status');
    await page.getByText('Connecting…', { exact: true }).waitFor();
    await expect.poll(() => spoken.innerText()).toBe('Connecting.');
    expect(await page.getByText('Reconnecting…').isVisible()).toBe(false);
    expect(await shown(page)).toBe('–');
    await context.unroute('**/api/**', block);
    await page.getByText('Connecting…', { exact: true }).waitFor({ state: 'hidden' });
    await expect.poll(() => spoken.innerText()).toBe('You are here.');
    await context.route('**/api/**', block);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    expect(await page.getByText('Connecting…', { exact: true }).isVisible()).toBe(false);
    await context.unroute('**/api/**', block);
    await page.waitForSelector('[data-status=live]');
  });

  it('a page without JavaScript says that it needs JavaScript, and shows no button', async () => {
    const { page } = await open(await trial.profile({ javaScriptEnabled: false }), trial.url);
    const sentence = page.locator('noscript p');
    expect(await sentence.innerText()).toBe('This page needs JavaScript to count.');
    expect(await sentence.isVisible()).toBe(true);
    expect(await page.locator('.connection').isVisible()).toBe(false);
    expect(await page.getByRole('button').count()).toBe(0);
  });
});
