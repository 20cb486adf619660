import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { barriersOf } from './page-barriers';
import { boxes, overflows } from './page-layout';
import { PageTrial, shown } from './page-trial';
import { open } from './watched-page';

const ROOM = { PRESENCE_HUB: 'durable-object' };

const STRANGE_NAMES = [
  ['an element', '<img src=x onerror=document.title="run">'],
  ['an attribute', '" onload="run'],
  ['a folder', '..'],
  ['an emoji', '🧘'],
  ['200 letters', 'a'.repeat(200)],
] as const;

describe.skipIf(NO_CHROMIUM)('the page at /: circles of every name', () => {
  const trial = new PageTrial({ ...ROOM, CHANNELS: '*' });

  it('two people in a circle and one person on the main page count apart', async () => {
    const { page: first, complaints } = await trial.personIn('lobby');
    const { page: second } = await trial.personIn('lobby');
    const { page: main } = await trial.person();
    await expect.poll(() => shown(first)).toBe('Breathing with 2 people in lobby');
    await expect.poll(() => shown(second)).toBe('Breathing with 2 people in lobby');
    await expect.poll(() => shown(main)).toBe('Breathing with 1 person');
    expect((await trial.presence()).count).toBe(1);
    await second.getByRole('button', { name: 'Release' }).click();
    await expect.poll(() => first.getByRole('button', { name: 'Release' }).innerText()).toMatch(/1$/);
    expect(await main.getByRole('button', { name: 'Release' }).innerText()).toMatch(/0$/);
    expect(complaints).toEqual([]);
  });

  it('the page of an empty name is the main page', async () => {
    const { page } = await trial.personIn('');
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect((await trial.presence()).count).toBe(1);
    expect(await page.title()).toBe('Breathe together');
    await offered(page, 'Invite to a circle').waitFor();
  });

  it('a screen reader gets the number of the circle in a sentence', async () => {
    const { page } = await trial.personIn('spoken');
    const { page: main } = await trial.person();
    await expect
      .poll(() => page.getByRole('status').innerText())
      .toBe('1 person is breathing in this circle.');
    await expect.poll(() => main.getByRole('status').innerText()).toBe('1 person is breathing.');
  });

  it('the title and the shown code name the circle, and those of the main page name none', async () => {
    const lines = async (page: Page) => {
      await page.getByRole('button', { name: 'Show the code' }).click();
      return page.getByRole('dialog').locator('code').last().innerText();
    };
    const { page } = await trial.personIn('constructor');
    expect(await page.title()).toBe('constructor · Breathe together');
    expect(await lines(page)).toContain('<presence-count channel="constructor">…</presence-count>');
    const { page: main } = await trial.person();
    expect(await main.title()).toBe('Breathe together');
    expect(await lines(main)).toContain('<presence-count>…</presence-count>');
  });

  it('the line of a circle shows its name while the page is live, and otherwise the connection', async () => {
    const { page } = await trial.personIn('lobby');
    const name = page.getByText('in lobby', { exact: true });
    const connection = page.getByText('Reconnecting…');
    expect([await name.isVisible(), await connection.isVisible()]).toEqual([true, false]);
    // As here.js does. A lost socket is noticed only after seconds.
    await page.evaluate(() => document.body.setAttribute('data-status', 'stale'));
    expect([await name.isVisible(), await connection.isVisible()]).toEqual([false, true]);
  });

  it('an invitation from the main page opens a circle of its own in another browser', async () => {
    const { page, complaints } = await trial.person({ permissions: ['clipboard-read', 'clipboard-write'] });
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
    await expect.poll(() => shown(other)).toBe(`Breathing with 1 person in ${name}`);
    await dialog.getByRole('link', { name: 'Go to the circle' }).click();
    await expect.poll(() => shown(page)).toBe(`Breathing with 2 people in ${name}`);
    await expect.poll(() => shown(other)).toBe(`Breathing with 2 people in ${name}`);
    expect(complaints).toEqual([]);
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

  it('the main page asks the service once for a random name, and the page of a circle does not ask', async () => {
    const names = await Promise.all(
      [trial.url, trial.url].map(async (url) => {
        const context = await trial.profile();
        const asked = requestsOf(context, '/api/channels?');
        const { page } = await open(context, url);
        await offered(page, 'Invite to a circle').waitFor();
        await page.getByRole('button', { name: 'Release' }).click();
        await expect.poll(() => page.getByRole('button', { name: 'Release' }).innerText()).toMatch(/[12]$/);
        expect(asked).toHaveLength(1);
        return asked[0];
      }),
    );
    expect(names[0]).toMatch(/\?names=circle-[a-z\d]{12}$/);
    expect(names[1]).not.toBe(names[0]);
    const context = await trial.profile();
    const asked = requestsOf(context, '/api/channels?');
    const { page } = await open(context, trial.circle('lobby'));
    await offered(page, 'Invite to this circle').waitFor();
    expect(asked).toEqual([]);
  });

  it('an invitation from the page of a circle is the link of this circle', async () => {
    const { page } = await trial.personIn('lobby');
    await offered(page, 'Invite to this circle').click();
    const dialog = page.getByRole('dialog', { name: 'Invite to this circle' });
    expect(await dialog.locator('code').innerText()).toBe(`${trial.url}?channel=lobby`);
    expect(await dialog.getByRole('button', { name: 'Copy' }).isVisible()).toBe(true);
    expect(await dialog.getByRole('link').count()).toBe(0);
  });

  it('a browser without a clipboard gets no button that copies', async () => {
    const context = await trial.profile();
    await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'clipboard'));
    const { page } = await open(context, trial.url);
    await offered(page, 'Invite to a circle').click();
    await page.getByRole('link', { name: 'Go to the circle' }).waitFor();
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
  });

  it.each(STRANGE_NAMES)(
    'the page of a strange name says that there is no such circle, and counts nothing: %s',
    async (_, name) => {
      const context = await trial.profile();
      const requests = requestsOf(context, '/api/', '/health');
      const { page, complaints } = await open(context, trial.circle(name));
      await expectNoCircle(page);
      expect(await page.evaluate(() => document.documentElement.textContent)).not.toContain(name);
      expect(await page.locator('img').count()).toBe(0);
      expect(requests).toEqual([]);
      expect(complaints).toEqual([]);
      await page.getByRole('button', { name: 'Show the code' }).click();
      const code = page.getByRole('dialog').locator('code').last();
      expect(await code.innerText()).toContain('<presence-count>…</presence-count>');
    },
  );

  it.each([
    ['one word', 'n'.repeat(64)],
    ['the widest letters', 'W'.repeat(64)],
  ])('a circle with a name of 64 characters fits on a small phone: %s', async (_, name) => {
    const { page } = await trial.personIn(name, { viewport: { width: 320, height: 568 } });
    expect(await shown(page)).toBe(`Breathing with 1 person in ${name}`);
    expect(await page.title()).toBe(`${name} · Breathe together`);
    expect(await page.evaluate(overflows)).toEqual([]);
    const bottom = await page.locator('#circle').evaluate((line) => line.getBoundingClientRect().bottom);
    const top = await page.locator('.moods').evaluate((moods) => moods.getBoundingClientRect().top);
    expect(bottom).toBeLessThanOrEqual(top);
    // Two lines. The widest letters need three.
    const isWhole = await page.locator('#circle').evaluate((line) => line.scrollHeight <= line.clientHeight);
    expect(isWhole).toBe(!name.startsWith('W'));
    await offered(page, 'Invite to this circle').click();
    expect(await page.evaluate(overflows)).toEqual([]);
  });

  it.each([
    [320, ''],
    [390, 'lobby'],
    [390, 'long-name.'.repeat(7).slice(0, 64)],
    [1280, ''],
  ])(
    'at a width of %i px nothing moves when the name of a circle and the invitation appear: "%s"',
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
    'the page of a circle has no serious barrier in %s, and neither have the other pages of circles',
    async (colorScheme) => {
      const { page } = await trial.personIn('lobby', { colorScheme });
      await page.evaluate(withoutCues);
      expect(await barriersOf(page)).toEqual([]);
      await offered(page, 'Invite to this circle').click();
      expect(await barriersOf(page)).toEqual([]);
      if (colorScheme === 'dark') return;
      await page.goto(trial.circle('..'));
      await expectNoCircle(page);
      await page.evaluate(withoutCues);
      expect(await barriersOf(page)).toEqual([]);
      await page.goto(trial.url);
      await offered(page, 'Invite to a circle').click();
      expect(await barriersOf(page)).toEqual([]);
    },
  );
});

describe.skipIf(NO_CHROMIUM)('the page at /: circles with a prefix', () => {
  const trial = new PageTrial({ ...ROOM, CHANNELS: 'circle-*' });

  it('the main page invites to a circle that the service takes', async () => {
    const { page } = await trial.person();
    await offered(page, 'Invite to a circle').click();
    await page.getByRole('link', { name: 'Go to the circle' }).click();
    await expect.poll(() => shown(page)).toMatch(/^Breathing with 1 person in circle-/);
  });

  it('the page of a name that the service refuses says so, and sends no more heartbeats', async () => {
    const context = await trial.profile();
    const heartbeats = requestsOf(context, '/heartbeat');
    const { page, complaints } = await open(context, trial.circle('lobby'));
    await expectNoCircle(page);
    await page.waitForSelector('[data-status=idle]');
    expect(await barriersOf(page)).toEqual([]);
    // The client takes the lead again when it is online.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.getByRole('link', { name: 'Breathe with everyone' }).click();
    await expect.poll(() => shown(page)).toBe('Breathing with 1 person');
    expect(heartbeats.map((url) => new URL(url).pathname)).toEqual([
      '/api/channels/lobby/heartbeat',
      '/api/heartbeat',
    ]);
    expect(complaints.filter((text) => !text.includes('status of 404'))).toEqual([]);
  });
});

describe.skipIf(NO_CHROMIUM)('the page at /: circles with fixed names', () => {
  const trial = new PageTrial({ ...ROOM, CHANNELS: 'lobby' });

  it('the main page shows no invitation, and the page of a circle shows its own', async () => {
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

describe.skipIf(NO_CHROMIUM)('the page at /: a service without circles', () => {
  const trial = new PageTrial();

  it('the main page shows no invitation, does not ask for channels, and leaves the console empty', async () => {
    const context = await trial.profile();
    const asked = requestsOf(context, '/api/channels');
    const answer = context.waitForEvent('response', (response) => response.url().endsWith('/health'));
    const { page, complaints } = await open(context, trial.url);
    await (await answer).finished();
    await page.evaluate(twoFrames);
    expect(await offered(page, /Invite/).count()).toBe(0);
    expect(asked).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('the links of the footer stand in the middle of a phone without the invitation', async () => {
    const { page } = await trial.person({ viewport: { width: 390, height: 640 } });
    const edges = await page.evaluate(() => {
      const [pause, docs] = ['#pause', 'nav a'].map((one) => document.querySelector(one));
      return { left: pause?.getBoundingClientRect().left, right: docs?.getBoundingClientRect().right };
    });
    expect(edges.left).toBeGreaterThan(0);
    expect(edges.left).toBeCloseTo(390 - Number(edges.right), 0);
  });

  it('the page of a name says that there is no such circle', async () => {
    const { page } = await open(await trial.profile(), trial.circle('lobby'));
    await expectNoCircle(page);
    await expect.poll(() => page.getByRole('status').innerText()).toBe('There is no such circle.');
    expect((await trial.presence()).count).toBe(0);
  });
});

/** The button of the invitation. A hidden one has no role. */
const offered = (page: Page, name: string | RegExp) =>
  page.getByRole('navigation').getByRole('button', { name });

async function expectNoCircle(page: Page) {
  await page.getByRole('heading', { name: 'There is no such circle.' }).waitFor();
  const link = page.getByRole('link', { name: 'Breathe with everyone' });
  expect(await link.getAttribute('href')).toBe('/');
  expect(await page.title()).toBe('No such circle · Breathe together');
  expect(await page.locator('h1').isVisible()).toBe(false);
  expect(await page.getByRole('group').count()).toBe(0);
  expect(await offered(page, /Invite/).count()).toBe(0);
}

/** The addresses of the requests so far that contain one of these texts. */
function requestsOf(context: BrowserContext, ...texts: readonly string[]): readonly string[] {
  const urls: string[] = [];
  context.on('request', (request) => {
    if (texts.some((text) => request.url().includes(text))) urls.push(request.url());
  });
  return urls;
}

interface LayoutShift extends PerformanceEntry {
  readonly sources: readonly { readonly node: Node | null }[];
}

/** Runs in the page. What has moved since the page was opened, besides the number in its own box: https://web.dev/articles/cls */
function shifts(): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const moved: string[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { node } of (list.getEntries() as LayoutShift[]).flatMap(({ sources }) => sources)) {
        const element = node instanceof Element ? node : node?.parentElement;
        if (!element?.closest('#count, #unit')) moved.push(element?.outerHTML ?? 'a removed node');
      }
    });
    observer.observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(moved)));
  });
}

/** Runs in the page, which has no animations. Otherwise the cues have too little contrast. */
function withoutCues() {
  for (const cue of document.querySelectorAll('.cue')) cue.remove();
}

/** Runs in the page. Its scripts have run by then. */
async function twoFrames() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}
