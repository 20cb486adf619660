import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DeployedWorker } from '../support/deployed-worker';
import { launch, NO_CHROMIUM } from './chromium';
import { close, open } from './watched-page';

/** When each cue is fully shown, in ms of a breath. A cue that fades in or out has too little contrast for a moment. */
const BREATHE_IN_MS = 2_000;
const BREATHE_OUT_MS = 6_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(NO_CHROMIUM)('the page at /', () => {
  let worker: DeployedWorker;
  let url: string;
  let browser: Browser;
  let contexts: BrowserContext[] = [];
  beforeAll(async () => {
    worker = await DeployedWorker.start();
    url = `${worker.origin}/`;
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await worker.dispose();
  });
  afterEach(async () => {
    for (const context of contexts) await close(context);
    contexts = [];
    // A heartbeat that arrives after the leave of a closed tab holds its session for a TTL.
    await expect.poll(async () => (await worker.presence()).count, { timeout: 40_000 }).toBe(0);
  });

  const personInMotion = (options: BrowserContextOptions = {}) => person(options, true);

  /** A browser profile that has the page open, without its animations: without a GPU the orb keeps a core busy. */
  async function person(options: BrowserContextOptions = {}, isInMotion = false) {
    const context = await browser.newContext(options);
    contexts.push(context);
    if (!isInMotion) await context.addInitScript(withoutAnimations);
    const watched = await open(context, url);
    // Who goes while the first heartbeat is under way may be heard before it, and is here for as long as a session lives.
    await watched.page.waitForSelector('[data-status=live]');
    return { context, ...watched };
  }
  const shown = (page: Page) =>
    page
      .locator('h1')
      .innerText()
      .then((text) => text.replaceAll(/\s+/g, ' ').trim());

  it('counts who opens it, and says so', async () => {
    const { page, complaints } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(await worker.presence()).toMatchObject({ count: 1, moods: { presence: 1 } });
    expect(complaints).toEqual([]);
  });

  it('has four moods to choose from, by mouse and keyboard', async () => {
    const { page, complaints } = await person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
    await page.getByRole('button', { name: 'Gratitude' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await worker.presence()).moods.gratitude).toBe(1);
    await expect
      .poll(() => page.getByRole('button', { pressed: true }).allInnerTexts())
      .toEqual([expect.stringMatching(/^Gratitude\s+1$/)]);
    expect(complaints).toEqual([]);
  });

  it('shows the same mood in every tab, since they are one person', async () => {
    const { page, context } = await person();
    const pressed = (page: Page) =>
      page
        .getByRole('group')
        .getByRole('button', { pressed: true })
        .allInnerTexts()
        .then((texts) => texts.map((text) => text.split(/\s/)[0]));
    await page.getByRole('button', { name: 'Release' }).click();
    const { page: second } = await open(context, url);
    expect(await pressed(second)).toEqual(['Release']);
    await expect.poll(() => shown(second)).toBe('Breathing with 1 person');
    await second.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Connection']);
    await expect.poll(async () => (await worker.presence()).moods.connection).toBe(1);
    await page.evaluate("localStorage.setItem('mood', 'nonsense')");
    const { page: third } = await open(context, url);
    expect(await pressed(third)).toEqual(['Presence']);
    // Whoever is closed while it arrives may be heard after its leave.
    await expect.poll(() => shown(third)).toBe('Breathing with 1 person');
  });

  it('shows two people to each other, and at once when one of them goes', async () => {
    const { page } = await person();
    const { page: hers, context: other } = await person();
    await hers.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => shown(hers)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('button', { name: 'Connection' }).innerText()).toMatch(/1/);
    const closedAt = Date.now();
    await close(other);
    await expect.poll(async () => (await worker.presence()).count, { interval: 20 }).toBe(1);
    expect(Date.now() - closedAt).toBeLessThan(5_000);
  });

  it('keeps the person over a reload', async () => {
    const { page } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    const id = () => page.evaluate(() => Object.values(localStorage)[0]?.split(' ')[0]);
    const before = await id();
    await page.reload();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(before).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(await id()).toBe(before);
    expect((await worker.presence()).count).toBe(1);
  });

  it('breathes in the same phase as everybody, also where the clock is wrong', async () => {
    const people = [await personInMotion(), await personInMotion()];
    await people[1]?.page.addInitScript(() => {
      const { now } = Date;
      Date.now = () => now() + 3_333;
    });
    await people[1]?.page.reload();
    // What it shows, what it takes for the server's clock, and the clock of this machine, which nobody has set.
    const look = async ({ page }: { page: Page }) => {
      await page.waitForSelector('[data-status=live]');
      return page.evaluate<{ phaseMs: number; serverMs: number; trueMs: number }>(`(async () => {
        const { presence } = await import('/here.js');
        const orb = document.querySelector('.body').getAnimations()[0];
        return {
          phaseMs: orb.currentTime % 10_000,
          serverMs: presence.serverNow() % 10_000,
          trueMs: (performance.timeOrigin + performance.now()) % 10_000,
        };
      })()`);
    };
    const apart = (a: number, b: number) => Math.min((a - b + 10_000) % 10_000, (b - a + 10_000) % 10_000);
    for (const one of people) {
      const { phaseMs, serverMs, trueMs } = await look(one);
      expect(apart(serverMs, trueMs)).toBeLessThan(150);
      expect(apart(phaseMs, trueMs)).toBeLessThan(250);
    }
  });

  it('is honest when it is offline, and comes back', async () => {
    const { page, context } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    expect(await shown(page)).toBe('Breathing with 1 person');
    await context.setOffline(false);
    await page.getByText('Reconnecting…').waitFor({ state: 'hidden' });
    await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
  });

  it('pauses', async () => {
    const { page } = await personInMotion();
    await page.getByRole('button', { name: 'Pause' }).click();
    const states = () => page.evaluate(() => document.getAnimations().map(({ playState }) => playState));
    await expect.poll(states).toEqual(['paused', 'paused', 'paused', 'paused']);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(states).toEqual(['running', 'running', 'running', 'running']);
  });

  it('shows the code that it runs', async () => {
    const { page, complaints } = await person();
    await page.getByRole('button', { name: 'Show the code' }).click();
    const code = page.getByRole('dialog').locator('code');
    await expect.poll(() => code.first().innerText()).toBe(readFileSync('src/site/static/here.js', 'utf8'));
    expect(await code.last().innerText()).toContain(`src="${url}presence-element.js"`);
    expect(complaints).toEqual([]);
  });

  it('moves nothing for those who want less motion', async () => {
    const { page } = await personInMotion({ reducedMotion: 'reduce' });
    const moves = await page.evaluate(() =>
      document
        .getAnimations()
        .flatMap(({ effect }) => (effect as KeyframeEffect).getKeyframes())
        .some((frame) => ['scale', 'transform', 'translate'].some((name) => name in frame)),
    );
    expect(moves).toBe(false);
  });

  it('tells those who listen how many there are, but not at every change', async () => {
    const { page } = await person();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('1 person is breathing.');
    const { page: hers } = await person();
    await expect.poll(() => shown(hers)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('status').innerText()).toBe('1 person is breathing.');
  });

  it.each(['light', 'dark'] as const)(
    'has nothing serious that keeps people out, in %s',
    async (colorScheme) => {
      const { page } = await personInMotion({ colorScheme });
      await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
      await page.evaluate(stopAt, BREATHE_IN_MS);
      await page.evaluate(AXE);
      const find = () =>
        page.evaluate(async () => {
          const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
          return (await axe.run()).violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        });
      expect(await find()).toEqual([]);
      await page.evaluate(stopAt, BREATHE_OUT_MS);
      expect(await find()).toEqual([]);
      await page.getByRole('button', { name: 'Show the code' }).click();
      expect(await find()).toEqual([]);
    },
  );
});

/** Runs in the page before its own code. */
function withoutAnimations() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { animation: none !important }');
  document.adoptedStyleSheets = [sheet];
}

/** Runs in the page. The page sets only animations without an end to the phase of the breath, so these get one. */
function stopAt(ms: number) {
  for (const animation of document.getAnimations()) {
    if (animation instanceof CSSTransition) {
      animation.finish();
      continue;
    }
    animation.pause();
    animation.effect?.updateTiming({ iterations: 1 });
    animation.currentTime = ms;
  }
}
