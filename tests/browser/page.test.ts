import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PresenceState, totalOf, ZERO_COUNTS } from '../../src/presence/session';
import { DeployedWorker } from '../support/deployed-worker';
import { launch, NO_CHROMIUM } from './chromium';
import { close, open } from './watched-page';

/** When each cue is fully visible, in ms of a breath. A cue that fades in or out has too little contrast for a moment. */
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
    // A heartbeat that arrives after the leave of a closed tab keeps its session for a TTL.
    await expect.poll(async () => (await worker.presence()).count, { timeout: 40_000 }).toBe(0);
  });

  /** A new browser profile without animations: without a GPU the orb keeps a core busy. */
  async function profile(options: BrowserContextOptions = {}, isInMotion = false) {
    const context = await browser.newContext(options);
    contexts.push(context);
    if (!isInMotion && options.javaScriptEnabled !== false) await context.addInitScript(withoutAnimations);
    return context;
  }

  /** A profile that counts on the open page. */
  async function person(options: BrowserContextOptions = {}, isInMotion = false) {
    const context = await profile(options, isInMotion);
    const watched = await open(context, url);
    // The leave of a page that closes earlier can arrive before its heartbeat.
    await watched.page.waitForSelector('[data-status=live]');
    return { context, ...watched };
  }
  const personInMotion = (options: BrowserContextOptions = {}) => person(options, true);

  /** An open page whose heartbeats get the answer that `answerWith` has set last. The Worker counts nothing. */
  async function pageWithAnswers(
    moods: Partial<PresenceState['moods']>,
    options: BrowserContextOptions = {},
  ) {
    const context = await profile(options);
    let answer = moods;
    await context.route('**/api/heartbeat', (route) => route.fulfill({ json: stateOf(answer) }));
    const { page } = await open(context, url);
    await page.waitForSelector('[data-status=live]');
    /** A heartbeat follows at once, because the mood changes. */
    async function answerWith(next: Partial<PresenceState['moods']>) {
      answer = next;
      const other = page.getByRole('group').getByRole('button', { pressed: false });
      await other.first().click();
      const { count } = stateOf(next);
      await expect.poll(() => shown(page)).toMatch(`with ${count.toLocaleString('en')} p`);
    }
    return { page, answerWith };
  }

  const pressed = (page: Page) =>
    page
      .getByRole('group')
      .getByRole('button', { pressed: true })
      .allInnerTexts()
      .then((texts) => texts.map((text) => text.split(/\s/)[0]));
  const shown = (page: Page) =>
    page
      .locator('h1')
      .innerText()
      .then((text) => text.replaceAll(/\s+/g, ' ').trim());

  it('the page counts the person that opens it, and shows the number', async () => {
    const { page, complaints } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(await worker.presence()).toMatchObject({ count: 1, moods: { presence: 1 } });
    expect(complaints).toEqual([]);
  });

  it('a click or a key press on a button chooses its mood', async () => {
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

  it('all tabs of a browser show the same mood, since they count as one person', async () => {
    const { page, context } = await person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Release']);
    await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
    const { page: second } = await open(context, url);
    await expect.poll(() => pressed(second)).toEqual(['Release']);
    await expect.poll(() => shown(second)).toBe('Breathing with 1 person');
    expect((await worker.presence()).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    await second.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => pressed(page)).toEqual(['Connection']);
    await expect.poll(async () => (await worker.presence()).moods.connection).toBe(1);
  });

  it('a second tab adopts the mood of the visit before its first answer', async () => {
    const { page, context } = await person();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
    await context.route('**/api/**', (route) => route.abort());
    const { page: second } = await open(context, url);
    await expect.poll(() => pressed(second)).toEqual(['Release']);
    await context.unroute('**/api/**');
    // The first tab takes over, and closes after its heartbeat.
    await second.close();
    await page.waitForSelector('[data-status=live]');
  });

  it('two people see each other, and the count falls at once when one of them leaves', async () => {
    const { page } = await person();
    const { page: other, context: otherContext } = await person();
    await other.getByRole('button', { name: 'Connection' }).click();
    await expect.poll(() => shown(other)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('button', { name: 'Connection' }).innerText()).toMatch(/1/);
    const closedAt = Date.now();
    await close(otherContext);
    await expect.poll(async () => (await worker.presence()).count, { interval: 20 }).toBe(1);
    expect(Date.now() - closedAt).toBeLessThan(5_000);
  });

  it('a reload keeps the session', async () => {
    const { page } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    const id = () => page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).id);
    const before = await id();
    await page.reload();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(before).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(await id()).toBe(before);
    expect((await worker.presence()).count).toBe(1);
  });

  it('all pages breathe in the same phase, also on a device with a wrong clock', async () => {
    const people = [await personInMotion(), await personInMotion()];
    await people[1]?.page.addInitScript(() => {
      const { now } = Date;
      Date.now = () => now() + 3_333;
    });
    await people[1]?.page.reload();
    // The phase of the orb, the page's estimate of the server's clock, and the right clock of this machine.
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

  it('a page that goes offline keeps the last count, says when it counted, and counts again when it is back', async () => {
    const { page, context } = await person();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    expect(await page.getByText('Reconnecting…').innerText()).toMatch(/Counted at \d+:\d\d [AP]M\.$/);
    expect(await shown(page)).toBe('Breathing with 1 person');
    const spoken = page.getByRole('status');
    await expect.poll(() => spoken.innerText()).toBe('Reconnecting. The last count was 1 person.');
    await context.setOffline(false);
    await page.getByText('Reconnecting…').waitFor({ state: 'hidden' });
    await expect.poll(async () => (await worker.presence()).moods.release).toBe(1);
  });

  it('a page without a first answer says "Connecting", and "Reconnecting" only after one', async () => {
    const context = await profile();
    const block = (route: Route) => route.abort();
    await context.route('**/api/**', block);
    const { page } = await open(context, url);
    const spoken = page.getByRole('status');
    await page.getByText('Connecting…', { exact: true }).waitFor();
    await expect.poll(() => spoken.innerText()).toBe('Connecting.');
    expect(await page.getByText('Reconnecting…').isVisible()).toBe(false);
    expect(await shown(page)).toBe('Breathing with – people');
    await context.unroute('**/api/**', block);
    await page.getByText('Connecting…', { exact: true }).waitFor({ state: 'hidden' });
    await expect.poll(() => spoken.innerText()).toBe('1 person is breathing.');
    await context.route('**/api/**', block);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    expect(await page.getByText('Connecting…', { exact: true }).isVisible()).toBe(false);
    await context.unroute('**/api/**', block);
    await page.waitForSelector('[data-status=live]');
  });

  it('a page without JavaScript says that it needs JavaScript, and shows no button', async () => {
    const { page } = await open(await profile({ javaScriptEnabled: false }), url);
    const sentence = page.locator('noscript p');
    expect(await sentence.innerText()).toBe('This page needs JavaScript to count.');
    expect(await sentence.isVisible()).toBe(true);
    expect(await page.locator('.connection').isVisible()).toBe(false);
    expect(await page.getByRole('button').count()).toBe(0);
  });

  it.each([
    [320, 128],
    [320, 123_456],
    [320, 1_234_567],
    [390, 123_456],
    [390, 1_234_567],
    [1280, 1_234_567],
  ])(
    'at a width of %i px, %i people fit, and nothing moves when the count grows to that',
    async (width, count) => {
      const { page, answerWith } = await pageWithAnswers(
        { presence: 1 },
        { viewport: { width, height: 640 } },
      );
      const before = await page.evaluate(boxes);
      await answerWith({ gratitude: count - 3, presence: 1, release: 1, connection: 1 });
      expect(await page.evaluate(overflows)).toEqual([]);
      await page.evaluate(finishTransitions);
      expect(await page.evaluate(overflows)).toEqual([]);
      expect(await page.evaluate(boxes)).toEqual(before);
      expect(await page.getByRole('button', { name: 'Gratitude' }).innerText()).toContain(
        (count - 3).toLocaleString('en'),
      );
    },
  );

  it('the page writes numbers in its own language', async () => {
    const context = await profile({ locale: 'en-US' });
    await context.route(url, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace('lang="en"', 'lang="de"') });
    });
    await context.route('**/api/heartbeat', (route) =>
      route.fulfill({ json: stateOf({ presence: 1_234, release: 5_678 }) }),
    );
    const { page } = await open(context, url);
    await expect.poll(() => shown(page)).toBe('Breathing with 6.912 people');
    expect(await page.getByRole('button', { name: 'Release' }).innerText()).toContain('5.678');
    await expect.poll(() => page.getByRole('status').innerText()).toBe('6.912 people are breathing.');
  });

  it('forced colours leave the heading whole and the pressed mood visible', async () => {
    const { page } = await pageWithAnswers({ presence: 128 }, { forcedColors: 'active' });
    await page.evaluate(finishTransitions);
    const pictureOfLine = () => page.locator('.with').screenshot();
    const before = await pictureOfLine();
    await page.locator('#count').evaluate((number) => number.style.setProperty('visibility', 'hidden'));
    expect(await pictureOfLine()).toEqual(before);
    const look = (isPressed: boolean) =>
      page
        .getByRole('group')
        .getByRole('button', { pressed: isPressed })
        .first()
        .evaluate((button) => {
          const { backgroundImage, backgroundColor, color } = getComputedStyle(button);
          return { backgroundImage, backgroundColor, color };
        });
    const chosen = await look(true);
    expect(chosen.backgroundColor).not.toBe((await look(false)).backgroundColor);
    expect(chosen.backgroundColor).not.toBe(chosen.color);
    expect(chosen.backgroundImage).toBe('none');
    await page.evaluate(AXE);
    expect(await page.evaluate(barriers)).toEqual([]);
  });

  it.each([
    ['one mood', { connection: 1 }],
    ['two moods', { gratitude: 1, presence: 1 }],
    ['one large and one small mood', { gratitude: 1, release: 99 }],
    ['four moods', { gratitude: 33, presence: 52, release: 25, connection: 18 }],
  ])('the orb is whole with %s', async (_, moods) => {
    const { page } = await pageWithAnswers(moods, { colorScheme: 'light' });
    await page.evaluate(finishTransitions);
    const [ground] = await page.evaluate(colours, [await encoded(page, '.moods'), [[0.001, 0.001]]] as const);
    const rim = await page.evaluate(colours, [await encoded(page, '.body'), RIM] as const);
    for (const colour of rim) expect(distance(colour, ground)).toBeGreaterThan(60);
  });

  it('a sign at the orb shows that the count grows or falls, but not at the first number', async () => {
    const { page, answerWith } = await pageWithAnswers({ presence: 2 });
    const sign = () => page.locator('.ring').getAttribute('class');
    expect(await sign()).toBe('ring');
    await answerWith({ presence: 3 });
    expect(await sign()).toBe('ring more');
    await page.locator('.ring').dispatchEvent('animationend');
    expect(await sign()).toBe('ring');
    await answerWith({ presence: 1 });
    expect(await sign()).toBe('ring fewer');
  });

  it('the pause button stops all animations, and starts them again', async () => {
    const { page } = await personInMotion();
    await page.getByRole('button', { name: 'Pause' }).click();
    const states = () => page.evaluate(() => document.getAnimations().map(({ playState }) => playState));
    await expect.poll(states).toEqual(['paused', 'paused', 'paused', 'paused']);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(states).toEqual(['running', 'running', 'running', 'running']);
  });

  it('the dialog shows the code that the page runs', async () => {
    const { page, complaints } = await person();
    await page.getByRole('button', { name: 'Show the code' }).click();
    const code = page.getByRole('dialog').locator('code');
    await expect.poll(() => code.first().innerText()).toBe(readFileSync('src/site/static/here.js', 'utf8'));
    expect(await code.last().innerText()).toContain(`src="${url}presence-element.js"`);
    expect(complaints).toEqual([]);
  });

  it('the page moves nothing if the device asks for less motion', async () => {
    const { page } = await personInMotion({ reducedMotion: 'reduce' });
    const moves = await page.evaluate(() =>
      document
        .getAnimations()
        .flatMap(({ effect }) => (effect as KeyframeEffect).getKeyframes())
        .some((frame) => ['scale', 'transform', 'translate'].some((name) => name in frame)),
    );
    expect(moves).toBe(false);
  });

  it('a screen reader gets the number in a sentence, but not at every change', async () => {
    const { page } = await person();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('1 person is breathing.');
    const { page: other } = await person();
    await expect.poll(() => shown(other)).toBe('Breathing with 2 people');
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 2 people');
    expect(await page.getByRole('status').innerText()).toBe('1 person is breathing.');
  });

  it.each(['light', 'dark'] as const)('the page has no serious barrier in %s', async (colorScheme) => {
    const { page } = await personInMotion({ colorScheme });
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    await page.evaluate(stopAt, BREATHE_IN_MS);
    await page.evaluate(AXE);
    const find = () => page.evaluate(barriers);
    expect(await find()).toEqual([]);
    await page.evaluate(stopAt, BREATHE_OUT_MS);
    expect(await find()).toEqual([]);
    await page.getByRole('button', { name: 'Show the code' }).click();
    expect(await find()).toEqual([]);
  });
});

/** A presence state of now. */
function stateOf(counts: Partial<PresenceState['moods']>): PresenceState {
  const moods = { ...ZERO_COUNTS, ...counts };
  return { count: totalOf(moods), moods, timestamp: Date.now() };
}

type Colour = readonly [red: number, green: number, blue: number];
type Point = readonly [x: number, y: number];

/** Eight points near the rim of the orb, as shares of its box. */
const RIM: readonly Point[] = Array.from({ length: 8 }, (_, index) => {
  const angle = (index / 8) * 2 * Math.PI;
  return [0.5 + 0.45 * Math.cos(angle), 0.5 + 0.45 * Math.sin(angle)];
});

const distance = (a: Colour, b: Colour | undefined) =>
  Math.hypot(...a.map((value, index) => value - (b?.[index] ?? value)));

/** A picture of an element, in base 64. */
const encoded = async (page: Page, selector: string) =>
  (await page.locator(selector).screenshot()).toString('base64');

/** Runs in the page, which has no animations. */
function finishTransitions() {
  for (const transition of document.getAnimations()) transition.finish();
}

/** Runs in the page. The colours of a picture at some points. */
async function colours([picture, points]: readonly [string, readonly Point[]]): Promise<Colour[]> {
  const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context?.drawImage(bitmap, 0, 0);
  return points.map(([x, y]) => {
    const data = context?.getImageData(x * bitmap.width, y * bitmap.height, 1, 1).data ?? [];
    const [red = 0, green = 0, blue = 0] = data;
    return [red, green, blue];
  });
}

/** Runs in the page. The boxes that must not move when a number changes. */
function boxes(): readonly string[] {
  const fixed = document.querySelectorAll('.orb, h1, h1 > *, .moods, .moods button, footer, footer *');
  return [...fixed].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return `${element.tagName} ${element.id} ${x} ${y} ${width} ${height}`;
  });
}

/** Runs in the page. The texts that are wider than the box around them, or than the page. */
function overflows(): readonly string[] {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found: string[] = [];
  while (texts.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const text = range.getBoundingClientRect();
    const box = texts.currentNode.parentElement?.closest('button, h1, p')?.getBoundingClientRect();
    if (text.width === 0 || box === undefined || box.width <= 1) continue;
    const isOutside = text.left < Math.max(0, box.left) || text.right > Math.min(innerWidth, box.right);
    if (isOutside) found.push(texts.currentNode.textContent ?? '');
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page');
  return found;
}

/** Runs in the page before its own code. */
function withoutAnimations() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { animation: none !important }');
  document.adoptedStyleSheets = [sheet];
}

/** Runs in the page. The serious and critical findings of axe. */
async function barriers(): Promise<string[]> {
  const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
  return (await axe.run()).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
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
