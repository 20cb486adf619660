import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../src/presence/session';
import { NO_CHROMIUM } from './chromium';
import { PageTrial, shown, stateOf } from './page-trial';
import { close, open } from './watched-page';

describe.skipIf(NO_CHROMIUM)('the page at /: the number and the moods', () => {
  const trial = new PageTrial();

  it('the page counts the person that opens it, and shows the number', async () => {
    const { page, complaints } = await trial.person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(await trial.presence()).toMatchObject({ count: 1, moods: { presence: 1 } });
    expect(complaints).toEqual([]);
  });

  it('a click or a key press on a button chooses its mood', async () => {
    const { page, complaints } = await trial.person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
    await page.getByRole('button', { name: 'Gratitude' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await trial.presence()).moods.gratitude).toBe(1);
    await expect
      .poll(() => page.getByRole('button', { pressed: true }).allInnerTexts())
      .toEqual([expect.stringMatching(/^Gratitude\s+1$/)]);
    expect(complaints).toEqual([]);
  });

  it('all tabs of a browser show the same mood, since they count as one person', async () => {
    const { page, context } = await trial.person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Release']);
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
    const { page: second } = await open(context, trial.url);
    await expect.poll(() => pressed(second)).toEqual(['Release']);
    await expect.poll(() => shown(second)).toBe('Breathing with 1 person');
    expect((await trial.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    await second.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Connection']);
    await expect.poll(async () => (await trial.presence()).moods.connection).toBe(1);
  });

  it('a second tab adopts the mood of the visit before its first answer', async () => {
    const { page, context } = await trial.person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
    await context.route('**/api/**', (route) => route.abort());
    const { page: second } = await open(context, trial.url);
    await expect.poll(() => pressed(second)).toEqual(['Release']);
    await context.unroute('**/api/**');
    // The first tab takes over, and closes after its heartbeat.
    await second.close();
    await page.waitForSelector('[data-status=live]');
  });

  it('two people see each other, and the count falls at once when one of them leaves', async () => {
    const { page } = await trial.person();
    const { page: other, context: otherContext } = await trial.person();
    await other.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => shown(other)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('button', { name: 'Connection' }).innerText()).toMatch(/1/);
    const closedAt = Date.now();
    await close(otherContext);
    await expect.poll(async () => (await trial.presence()).count, { interval: 20 }).toBe(1);
    expect(Date.now() - closedAt).toBeLessThan(5_000);
  });

  it('a reload keeps the session', async () => {
    const { page } = await trial.person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    const id = () => page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).id);
    const before = await id();
    await page.reload();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(before).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(await id()).toBe(before);
    expect((await trial.presence()).count).toBe(1);
  });

  it('the page writes numbers in its own language', async () => {
    const context = await trial.profile({ locale: 'en-US' });
    await context.route(trial.url, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace('lang="en"', 'lang="de"') });
    });
    await context.route('**/api/heartbeat', (route) =>
      route.fulfill({ json: stateOf({ presence: 1_234, release: 5_678 }) }),
    );
    const { page } = await open(context, trial.url);
    await expect.poll(() => shown(page)).toBe('Breathing with 6.912 people');
    expect(await page.getByRole('button', { name: 'Release' }).innerText()).toContain('5.678');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('6.912 people are breathing.');
  });

  it('a sign at the orb shows that the count grows or falls, but not at the first number', async () => {
    const { page, answerWith } = await trial.pageWithAnswers({ presence: 2 });
    const sign = () => page.locator('.ring').getAttribute('class');
    expect(await sign()).toBe('ring');
    await answerWith({ presence: 3 });
    expect(await sign()).toBe('ring more');
    await page.locator('.ring').dispatchEvent('animationend');
    expect(await sign()).toBe('ring');
    await answerWith({ presence: 1 });
    expect(await sign()).toBe('ring fewer');
  });

  it('a screen reader gets the number in a sentence, but not at every change', async () => {
    const { page } = await trial.person();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('1 person is breathing.');
    const { page: other } = await trial.person();
    await expect.poll(() => shown(other)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('status').innerText()).toBe('1 person is breathing.');
  });

  it('the dialog shows the code that the page runs', async () => {
    const { page, complaints } = await trial.person();
    await page.getByRole('button', { name: 'Show the code' }).click();
    const code = page.getByRole('dialog').locator('code');
    await expect.poll(() => code.first().innerText()).toBe(readFileSync('src/site/static/here.js', 'utf8'));
    expect(await code.last().innerText()).toContain(`src="${trial.url}presence-element.js"`);
    expect(complaints).toEqual([]);
  });
});

/** The pressed moods. */
async function pressed(page: Page): Promise<(string | undefined)[]> {
  const buttons = page.getByRole('group').getByRole('button', { pressed: true });
  return (await buttons.allInnerTexts()).map((text) => text.split(/\s/)[0]);
}
