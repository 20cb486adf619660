import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { barriersOf } from './page-barriers';
import { boxes, overflows, shifts } from './page-layout';
import { PageTrial, ROOM, shown } from './page-trial';
import { open } from './watched-page';

/** The requests that only the main page sends. On KV it sends only the last one. */
const MAIN_PAGE_REQUESTS = ['/api/channels?', '/api/history', '/health'];

const INVALID_NAMES = [
  '<img src=x onerror=document.title="run">',
  '" onload="run',
  '..',
  '🧘',
  'a'.repeat(200),
];

describe.skipIf(NO_CHROMIUM)('circles of every name', () => {
  const trial = new PageTrial({ PRESENCE_HUB: ROOM, CHANNELS: '*' });

  it('two people in a circle and one person on the main page have separate counts', async () => {
    const { page: first, consoleErrors } = await trial.personIn('lobby');
    const { page: second } = await trial.personIn('lobby');
    const { page: main } = await trial.person();
    await expect.poll(() => shown(first)).toBe('Breathing with 1 other person in lobby');
    await expect.poll(() => shown(second)).toBe('Breathing with 1 other person in lobby');
    await expect.poll(() => shown(main)).toBe('You are here.');
    expect((await trial.presence()).count).toBe(1);
    await second.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => first.getByRole('button', { name: 'Release' }).innerText()).toMatch(/1$/);
    expect(await main.getByRole('button', { name: 'Release' }).innerText()).toMatch(/0$/);
    expect(consoleErrors).toEqual([]);
  });

  it('the page of an empty name is the main page', async () => {
    const { page, consoleErrors } = await trial.personIn('');
    await expect.poll(() => shown(page)).toBe('You are here.');
    expect((await trial.presence()).count).toBe(1);
    // Only the main page has a history.
    expect(await page.getByRole('img').getAttribute('aria-label')).toMatch(
      /^The last 24 hours: \d+ visits?, at most \d+ pe/,
    );
    await offered(page, 'Invite to a circle').waitFor();
    expect(await page.title()).toBe('Breathe together');
    expect(await shownCode(page)).toContain('<presence-count>…</presence-count>');
    expect(consoleErrors).toEqual([]);
  });

  it('the page of a circle has its own title, shown code and sentence for screen readers', async () => {
    const { page } = await trial.personIn('constructor');
    expect(await page.title()).toBe('constructor · Breathe together');
    expect(await shownCode(page)).toContain('<presence-count channel="constructor">…</presence-count>');
    await expect.poll(() => page.locator('#status').innerText()).toBe('You are here in this circle.');
  });

  it('the page of a circle that prerenders has the name of the circle, and counts when it is shown', async () => {
    const context = await trial.profile();
    const heartbeats = requestsOf(context, '/heartbeat');
    await context.clock.install();
    await context.addInitScript(() =>
      Object.defineProperty(document, 'prerendering', { value: true, configurable: true }),
    );
    const { page } = await open(context, trial.circle('evening'));
    // The time after which the page speaks a sentence.
    await context.clock.runFor(2_000);
    expect(heartbeats).toEqual([]);
    expect(await page.title()).toBe('evening · Breathe together');
    expect(await shownCode(page)).toContain('<presence-count channel="evening">…</presence-count>');
    expect(await page.locator('#status').innerText()).toBe('');
    await page.evaluate(() => {
      Reflect.deleteProperty(document, 'prerendering');
      document.dispatchEvent(new Event('prerenderingchange'));
    });
    await expect.poll(() => shown(page)).toBe('You are here in evening');
    await offered(page, 'Invite to this circle').waitFor();
  });

  it('the line below the number shows the name of a live circle, and otherwise the connection', async () => {
    const { page } = await trial.personIn('lobby');
    expect(await page.evaluate(lineAt, 'live')).toEqual(['in lobby']);
    expect(await page.evaluate(lineAt, 'stale')).toEqual([expect.stringMatching(/^Reconnecting…/)]);
  });

  it('an invitation from the main page opens a circle of its own in another browser', async () => {
    const { page, consoleErrors } = await trial.person({
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await offered(page, 'Invite to a circle').waitFor();
    await offered(page, 'Invite to a circle').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Invite to a circle' });
    const link = await dialog.locator('code').innerText();
    expect(link).toMatch(/^http:\/\/localhost:\d+\/\?channel=circle-[a-z\d]{12}$/);
    expect(link.startsWith(trial.url)).toBe(true);
    await dialog.locator('code').click();
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(link);
    await dialog.getByRole('button', { name: 'Copy' }).click();
    await dialog.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
    const { page: other } = await open(await trial.profile(), link);
    const name = new URL(link).searchParams.get('channel');
    await expect.poll(() => shown(other)).toBe(`You are here in ${name}`);
    await dialog.getByRole('link', { name: 'Go to the circle' }).click();
    await expect.poll(() => shown(page)).toBe(`Breathing with 1 other person in ${name}`);
    await expect.poll(() => shown(other)).toBe(`Breathing with 1 other person in ${name}`);
    expect(consoleErrors).toEqual([]);
  });

  it('Escape and the button close the invitation, and the focus returns', async () => {
    const { page } = await trial.person();
    const dialog = page.getByRole('dialog');
    for (const close of [
      () => page.keyboard.press('Escape'),
      () => dialog.getByRole('button', { name: 'Close' }).click(),
    ]) {
      await offered(page, 'Invite to a circle').click();
      await dialog.waitFor();
      await close();
      await dialog.waitFor({ state: 'hidden' });
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Invite to a circle');
    }
  });

  it('the main page requests the hub, a random name and the history once, and the page of a circle requests none', async () => {
    const context = await trial.profile();
    const requested = requestsOf(context, ...MAIN_PAGE_REQUESTS);
    const { page } = await open(context, trial.url);
    await offered(page, 'Invite to a circle').waitFor();
    await page.getByRole('img').waitFor();
    await page.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Release' }).innerText()).toMatch(/1$/);
    expect(requested).toHaveLength(MAIN_PAGE_REQUESTS.length);
    for (const request of MAIN_PAGE_REQUESTS)
      expect(requested).toContainEqual(expect.stringContaining(request));
    await page.reload();
    await offered(page, 'Invite to a circle').waitFor();
    const names = requested.filter((url) => url.includes('?'));
    expect(names).toEqual(Array(2).fill(expect.stringMatching(/\?names=circle-[a-z\d]{12}$/)));
    expect(names[1]).not.toBe(names[0]);
    await page.getByRole('img').waitFor();
    requested.splice(0);
    await page.goto(trial.circle('lobby'));
    await offered(page, 'Invite to this circle').waitFor();
    expect(await page.locator('#note').innerText()).toBe('The next person to come breathes with you.');
    expect(requested).toEqual([]);
  });

  it('an invitation from the page of a circle is the link of this circle', async () => {
    const { page } = await trial.personIn('lobby');
    await offered(page, 'Invite to this circle').click();
    const dialog = page.getByRole('dialog', { name: 'Invite to this circle' });
    expect(await dialog.locator('code').innerText()).toBe(`${trial.url}?channel=lobby`);
    expect(await dialog.getByRole('button', { name: 'Copy' }).isVisible()).toBe(true);
    expect(await dialog.getByRole('link').count()).toBe(0);
  });

  it('the invitation has no button that copies in a browser without a clipboard', async () => {
    const context = await trial.profile();
    await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'clipboard'));
    const { page } = await open(context, trial.url);
    await offered(page, 'Invite to a circle').click();
    await page.getByRole('link', { name: 'Go to the circle' }).waitFor();
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
  });

  it('the page of an invalid name says that there is no such circle, and sends no request', async () => {
    const context = await trial.profile();
    const requests = requestsOf(context, '/api/', '/health');
    const { page, consoleErrors } = await open(context, 'about:blank');
    for (const name of INVALID_NAMES) {
      await page.goto(trial.circle(name));
      await expectNoCircle(page);
      expect(await page.evaluate(() => document.documentElement.textContent)).not.toContain(name);
      expect(await page.locator('img').count()).toBe(0);
      expect(await shownCode(page)).toContain('<presence-count>…</presence-count>');
    }
    expect(requests).toEqual([]);
    expect(consoleErrors).toEqual([]);
  });

  it.each([
    ['one word', 'n'.repeat(64)],
    ['the widest letters', 'W'.repeat(64)],
  ])('a circle name of 64 characters fits on a small phone: %s', async (_, name) => {
    const { page } = await trial.personIn(name, { viewport: { width: 320, height: 568 } });
    expect(await shown(page)).toBe(`You are here in ${name}`);
    expect(await page.title()).toBe(`${name} · Breathe together`);
    expect(await page.evaluate(overflows)).toEqual([]);
    const bottom = await page.locator('#circle').evaluate((line) => line.getBoundingClientRect().bottom);
    const top = await page.locator('.moods').evaluate((moods) => moods.getBoundingClientRect().top);
    expect(bottom).toBeLessThanOrEqual(top);
    // The name has two lines. With the widest letters it needs three.
    const isWhole = await page.locator('#circle').evaluate((line) => line.scrollHeight <= line.clientHeight);
    expect(isWhole).toBe(!name.startsWith('W'));
    await offered(page, 'Invite to this circle').click();
    expect(await page.evaluate(overflows)).toEqual([]);
  });

  it.each([
    [320, ''],
    [390, 'long-name.'.repeat(7).slice(0, 64)],
    [1280, ''],
  ])(
    'nothing moves at %i px when the name of a circle and the invitation appear: "%s"',
    async (width, name) => {
      const context = await trial.profile({ viewport: { width, height: 640 } });
      let answer = () => {};
      const held = new Promise<void>((resolve) => {
        answer = resolve;
      });
      await context.route('**/api/**', async (route) => {
        await held;
        await route.continue();
      });
      const { page } = await open(context, trial.circle(name));
      await page.evaluate(() => document.fonts.ready);
      const before = await page.evaluate(boxes);
      answer();
      await offered(page, /^Invite to/).waitFor();
      expect(await page.evaluate(boxes)).toEqual(before);
      expect(await page.evaluate(overflows)).toEqual([]);
      expect(await page.evaluate(shifts)).toEqual([]);
    },
  );

  it.each(['light', 'dark'] as const)(
    'the pages of circles and their dialogs have no serious barrier in %s colours',
    async (colorScheme) => {
      const { page } = await trial.personIn('lobby', { colorScheme });
      await page.evaluate(withoutMotion);
      expect(await barriersOf(page)).toEqual([]);
      await offered(page, 'Invite to this circle').click();
      expect(await barriersOf(page)).toEqual([]);
      if (colorScheme === 'dark') return;
      await page.goto(trial.circle('..'));
      await expectNoCircle(page);
      await page.evaluate(withoutMotion);
      expect(await barriersOf(page)).toEqual([]);
      await page.goto(trial.url);
      await offered(page, 'Invite to a circle').click();
      expect(await barriersOf(page)).toEqual([]);
    },
  );
});

describe.skipIf(NO_CHROMIUM)('circles with a prefix', () => {
  const trial = new PageTrial({ PRESENCE_HUB: ROOM, CHANNELS: 'circle-*' });

  it('the main page invites to a circle that the service accepts', async () => {
    const { page } = await trial.person();
    await offered(page, 'Invite to a circle').click();
    await page.getByRole('link', { name: 'Go to the circle' }).click();
    await expect.poll(() => shown(page)).toMatch(/^You are here in circle-/);
  });

  it('the page of a name that the service refuses shows no circle, and sends no second heartbeat', async () => {
    const context = await trial.profile();
    const heartbeats = requestsOf(context, '/heartbeat');
    const { page, consoleErrors } = await open(context, trial.circle('lobby'));
    await expectNoCircle(page);
    await page.waitForSelector('[data-status=idle]');
    expect(await barriersOf(page)).toEqual([]);
    // The client takes the lead again when it is online.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.getByRole('link', { name: 'Breathe with everyone' }).click();
    await expect.poll(() => shown(page)).toBe('You are here.');
    expect(heartbeats.map((url) => new URL(url).pathname)).toEqual([
      '/api/channels/lobby/heartbeat',
      '/api/heartbeat',
    ]);
    expect(consoleErrors.filter((text) => !text.includes('status of 404'))).toEqual([]);
  });
});

describe.skipIf(NO_CHROMIUM)('circles with fixed names', () => {
  const trial = new PageTrial({ PRESENCE_HUB: ROOM, CHANNELS: 'lobby' });

  it('the main page of a service with fixed names shows no invitation, and the page of a circle shows one', async () => {
    const context = await trial.profile();
    const answer = context.waitForEvent('response', (response) => response.url().includes('/api/channels?'));
    const { page } = await open(context, trial.url);
    expect((await answer).status()).toBe(404);
    await page.evaluate(twoFrames);
    expect(await offered(page, /Invite/).count()).toBe(0);
    const { page: circle } = await trial.personIn('lobby');
    await offered(circle, 'Invite to this circle').waitFor();
  });
});

describe.skipIf(NO_CHROMIUM)('a service without circles', () => {
  const trial = new PageTrial();

  it('the main page on KV shows no invitation and no history, requests neither, and leaves the console empty', async () => {
    const context = await trial.profile();
    const requested = requestsOf(context, ...MAIN_PAGE_REQUESTS);
    const { page, consoleErrors } = await open(context, trial.url);
    const note = page.locator('#note');
    await expect.poll(() => note.innerText()).toBe('The next person to come breathes with you.');
    expect(await offered(page, /Invite/).count()).toBe(0);
    expect(await page.getByRole('img').count()).toBe(0);
    expect(requested.map((one) => new URL(one).pathname)).toEqual(['/health']);
    expect(consoleErrors).toEqual([]);
  });

  it('the footer links are in the middle of a phone if there is no invitation', async () => {
    const { page } = await trial.person({ viewport: { width: 390, height: 640 } });
    const edges = await page.evaluate(() => {
      const [pause, docs] = ['#pause', 'nav a'].map((one) => document.querySelector(one));
      return { left: pause?.getBoundingClientRect().left, right: docs?.getBoundingClientRect().right };
    });
    expect(edges.left).toBeGreaterThan(0);
    expect(edges.left).toBeCloseTo(390 - Number(edges.right), 0);
  });

  it('the page of a name on a service without circles says that there is no such circle', async () => {
    const { page } = await open(await trial.profile(), trial.circle('lobby'));
    await expectNoCircle(page);
    await expect.poll(() => page.getByRole('status').innerText()).toBe('There is no such circle.');
    expect((await trial.presence()).count).toBe(0);
  });
});

/** The button of the invitation. A hidden button has no role, so it is not found. */
const offered = (page: Page, name: string | RegExp) =>
  page.getByRole('navigation').getByRole('button', { name });

/** The lines of the dialog with the code. */
const shownCode = (page: Page) => page.locator('#code code').first().textContent();

async function expectNoCircle(page: Page) {
  await page.getByRole('heading', { name: 'There is no such circle.' }).waitFor();
  const link = page.getByRole('link', { name: 'Breathe with everyone' });
  expect(await link.getAttribute('href')).toBe('/');
  expect(await page.title()).toBe('No such circle · Breathe together');
  expect(await page.locator('h1').isVisible()).toBe(false);
  expect(await page.getByRole('group').count()).toBe(0);
  expect(await offered(page, /Invite/).count()).toBe(0);
}

/** Collects the addresses of the requests that contain one of these texts. */
function requestsOf(context: BrowserContext, ...texts: readonly string[]): string[] {
  const urls: string[] = [];
  context.on('request', (request) => {
    if (texts.some((text) => request.url().includes(text))) urls.push(request.url());
  });
  return urls;
}

/** Runs in the page, which has no animations. Otherwise cues, and texts that fade in, have too little contrast. */
function withoutMotion() {
  for (const cue of document.querySelectorAll('.cue')) cue.remove();
  for (const transition of document.getAnimations()) transition.finish();
}

/** Runs in the page. Waits for two frames, after which the scripts of the page have run. */
async function twoFrames() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}

/** Runs in the page. Sets the status, and returns what the line below the number shows. The page notices a lost socket only after seconds. */
function lineAt(status: string): readonly string[] {
  document.body.setAttribute('data-status', status);
  return [...document.querySelectorAll('.circle, .connection > *')]
    .filter((line) => line.checkVisibility({ visibilityProperty: true }))
    .map(({ textContent }) => textContent.replaceAll('\u00a0', ' '));
}
