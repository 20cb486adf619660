import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ZERO_COUNTS } from '../../src/presence/session';
import { NO_CHROMIUM } from './chromium';
import { historyOf, PageTrial, shown, stateOf } from './page-trial';
import { close, open } from './watched-page';

describe.skipIf(NO_CHROMIUM)('the number and the moods', () => {
  const trial = new PageTrial();

  it('a click or a key press on a button chooses its mood', async () => {
    const { page, consoleErrors } = await trial.person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
    await page.getByRole('button', { name: 'Gratitude' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await trial.presence()).moods.gratitude).toBe(1);
    await expect
      .poll(() => page.getByRole('button', { pressed: true }).allInnerTexts())
      .toEqual([expect.stringMatching(/^Gratitude\s+1$/)]);
    expect(consoleErrors).toEqual([]);
  });

  it('all tabs of a browser show the same mood, since they count as one person', async () => {
    const { page, context } = await trial.person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Release']);
    await expect.poll(async () => (await trial.presence()).moods.release).toBe(1);
    const { page: second } = await open(context, trial.url);
    await expect.poll(() => pressed(second)).toEqual(['Release']);
    await expect.poll(() => shown(second)).toBe('You are here.');
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
    // The first tab takes the lead. It must not close before its heartbeat.
    await second.close();
    await page.waitForSelector('[data-status=live]');
  });

  it('two people see each other, and the count falls at once when one of them leaves', async () => {
    const { page } = await trial.person();
    const { page: other, context: otherContext } = await trial.person();
    await other.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => shown(other)).toBe('Breathing with 1 other person');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 other person');
    expect(await page.getByRole('button', { name: 'Connection' }).innerText()).toMatch(/1/);
    const closedAt = Date.now();
    await close(otherContext);
    await expect.poll(async () => (await trial.presence()).count, { interval: 20 }).toBe(1);
    expect(Date.now() - closedAt).toBeLessThan(5_000);
  });

  it('the page counts the person that opens it, and a reload keeps the session', async () => {
    const { page, consoleErrors } = await trial.person();
    await expect.poll(() => shown(page)).toBe('You are here.');
    expect(await trial.presence()).toMatchObject({ count: 1, moods: { presence: 1 } });
    const id = () => page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).id);
    const before = await id();
    await page.reload();
    await expect.poll(() => shown(page)).toBe('You are here.');
    expect(before).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(await id()).toBe(before);
    expect((await trial.presence()).count).toBe(1);
    expect(consoleErrors).toEqual([]);
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
    await expect.poll(() => shown(page)).toBe('Breathing with 6.911 others');
    expect(await page.getByRole('button', { name: 'Release' }).innerText()).toContain('5.678');
  });

  it('a counted page shows the number of others, the history of the day, and a ring at each change', async () => {
    const history = historyOf(212, 17, 0, 0);
    const { page, answerWith, consoleErrors } = await trial.pageWithAnswers(
      { presence: 1 },
      { history: () => history },
    );
    // A ring at the orb shows each change.
    const ring = page.locator('.ring');
    expect(await shown(page)).toBe('You are here.');
    expect(await ring.getAttribute('class')).toBe('ring');
    await expect.poll(() => note(page)).toBe('212 breathed here today, 17 at once.');
    const time = new Date(history.peak.at).toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe(
      `The last 24 hours: 212 visits, at most 17 people at once, at ${time}.`,
    );
    await answerWith({ presence: 2 });
    expect(await shown(page)).toBe('Breathing with 1 other person');
    expect(await ring.getAttribute('class')).toBe('ring more');
    await ring.dispatchEvent('animationend');
    expect(await ring.getAttribute('class')).toBe('ring');
    await answerWith({ presence: 128 });
    expect(await shown(page)).toBe('Breathing with 127 others');
    expect(await note(page)).toBe('212 breathed here today, 128 at once.');
    await answerWith({ presence: 1 });
    expect(await shown(page)).toBe('You are here.');
    expect(await ring.getAttribute('class')).toBe('ring fewer');
    expect(consoleErrors).toEqual([]);
  });

  it('a page that only watches shows the number of all people, and marks no mood as chosen', async () => {
    const { page, answerWith, consoleErrors } = await trial.pageWithAnswers(
      {},
      { isRobot: true, history: () => historyOf(212, 17, 0, 0) },
    );
    expect(await shown(page)).toBe('No one is here now.');
    await expect.poll(() => note(page)).toBe('212 breathed here today, 17 at once.');
    expect(await pressed(page)).toEqual([]);
    await answerWith({ presence: 1 });
    expect(await shown(page)).toBe('Breathing here now 1 person');
    await answerWith({ presence: 42 });
    expect(await shown(page)).toBe('Breathing here now 42 people');
    expect(consoleErrors).toEqual([]);
  });

  it('the page requests the history every half hour while it is visible', async () => {
    let requests = 0;
    const history = () => {
      requests += 1;
      return historyOf(requests + 1, 1, 0);
    };
    const { page, context } = await trial.pageWithAnswers({ presence: 1 }, { history, hasClock: true });
    await expect.poll(() => note(page)).toBe('2 breathed here today.');
    await context.clock.fastForward('29:50');
    await page.evaluate(setHidden, true);
    await context.clock.fastForward('20:00');
    expect(requests).toBe(1);
    await page.evaluate(setHidden, false);
    await expect.poll(() => note(page)).toBe('3 breathed here today.');
    await context.clock.fastForward('30:01');
    await expect.poll(() => note(page)).toBe('4 breathed here today.');
    // A heartbeat is due. Otherwise it can reach the Worker when the page closes.
    await page.evaluate(`import('/here.js').then(({ presence }) => presence.stop())`);
  });

  it('a screen reader gets the number in a sentence, but not at every change', async () => {
    const { page } = await trial.person();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('You are here.');
    const { page: other } = await trial.person();
    await expect.poll(() => shown(other)).toBe('Breathing with 1 other person');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 other person');
    expect(await page.getByRole('status').innerText()).toBe('You are here.');
  });

  it('the dialog shows two lines for other pages, and the code that the page runs', async () => {
    const { page, consoleErrors } = await trial.person();
    await page.getByRole('button', { name: 'Show the code' }).click();
    const code = page.getByRole('dialog').locator('code');
    await expect.poll(() => code.last().innerText()).toBe(readFileSync('src/site/static/here.js', 'utf8'));
    expect(await code.first().innerText()).toContain(`src="${trial.url}presence-element.js"`);
    expect(consoleErrors).toEqual([]);
  });
});

/** The sentence below the number. */
const note = (page: Page) => page.locator('#note').innerText();

/** Runs in the page. Makes it hidden or visible. */
function setHidden(isHidden: boolean) {
  Object.defineProperty(document, 'hidden', { configurable: true, value: isHidden });
  document.dispatchEvent(new Event('visibilitychange'));
}

/** The pressed moods. */
async function pressed(page: Page): Promise<(string | undefined)[]> {
  const buttons = page.getByRole('group').getByRole('button', { pressed: true });
  return (await buttons.allInnerTexts()).map((text) => text.split(/\s/)[0]);
}
