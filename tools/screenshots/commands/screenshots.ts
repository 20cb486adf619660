import { mkdirSync, readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { createTestHarness } from 'wrangler';
import { findChromium } from '../../../tests/browser/find-chromium';
import { givenOptions } from '../../options';
import { madeUpDay } from '../made-up-day';

/** The number of people of each mood. Every open page adds one. */
const CROWD = { gratitude: 33, presence: 51, release: 25, connection: 18 };
const crowd = Object.entries(CROWD).flatMap(([mood, people]) =>
  Array.from({ length: people }, () => ({ sessionId: crypto.randomUUID(), mood })),
);
const DAY_OF_ONE = { visits: 212, most: 17, now: 1 };
const DAY_OF_MANY = { visits: 2_940, most: 214, now: 128 };
const WITH_ROOM = { PRESENCE_HUB: 'durable-object', CHANNELS: '*' };
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const SMALL_PHONE = { width: 320, height: 568 };
const FOLDER = 'dist/screenshots';

givenOptions(
  `Takes the pictures of the page: docs/demo.png, docs/circles.png, and others in ${FOLDER}. It takes no options.`,
  {},
);

const found = await findChromium();
if (found === null) throw new Error('There is no Chromium.');
mkdirSync(FOLDER, { recursive: true });
let service = await serve(WITH_ROOM);
const browser = await chromium.launch({
  ...found,
  chromiumSandbox: false,
  // Otherwise the client detects a robot, and does not count it.
  args: ['--disable-blink-features=AutomationControlled'],
});
try {
  const one = { people: [], day: DAY_OF_ONE };
  for (const [name, viewport] of [
    ['desktop', DESKTOP],
    ['phone', PHONE],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const)
      await picture(`${name}-${colorScheme}-one`, viewport, colorScheme, one);
  await picture('small-phone-one', SMALL_PHONE, 'light', one);
  for (const [name, viewport] of [
    ['desktop', DESKTOP],
    ['phone', PHONE],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const)
      await picture(`${name}-${colorScheme}-many`, viewport, colorScheme);
  await picture('code', DESKTOP, 'light', {
    act: (page) => page.getByRole('button', { name: 'Show the code' }).click(),
  });
  await picture('offline', DESKTOP, 'light', {
    act: async (page) => {
      await page.context().setOffline(true);
      await page.getByRole('button', { name: 'Release' }).click();
      await page.getByText('Reconnecting…').waitFor();
      await page.waitForTimeout(1_000);
    },
  });
  await circlePictures();
  await beside('docs/demo.png', 'desktop-light-one', 'phone-dark-many');
  await beside('docs/circles.png', 'main', 'invitation', 'circle-light', 'circle-dark');

  // On KV there is no history.
  await service.close();
  service = await serve({});
  await picture('kv-one', PHONE, 'light', { people: [] });
  await picture('kv-many', DESKTOP, 'light');
} finally {
  await browser.close();
  await service.close();
}

/** A service with the settings of wrangler.toml and these variables. */
async function serve(vars: Readonly<Record<string, string>>) {
  const { listen, fetch, close } = createTestHarness({
    workers: [{ configPath: './wrangler.toml', vars: { ...vars } }],
  });
  const { url } = await listen();
  return { url, fetch, close };
}

/** Takes pictures of an invitation, of its circle with two people, and of other pages of circles. */
async function circlePictures(): Promise<void> {
  const host = await visit(PHONE, 'light');
  await host.getByRole('button', { name: 'Invite to a circle' }).waitFor();
  await shoot(host, 'main');
  await host.getByRole('button', { name: 'Invite to a circle' }).click();
  const { search } = new URL(await host.locator('#link').innerText());
  // The picture shows the link of a deployed service. Otherwise the link has a port of this machine.
  await host.locator('#link').evaluate((link) => {
    link.textContent = link.textContent.replace(location.origin, 'https://breathe.example');
  });
  await shoot(host, 'invitation');
  await host.close();
  const first = await visit(PHONE, 'light', { search });
  await first.getByRole('button', { name: 'Gratitude' }).click();
  const second = await visit(PHONE, 'dark', { search });
  await second.getByRole('button', { name: 'Connection' }).click();
  for (const page of [first, second]) {
    await page.getByRole('button', { name: 'Gratitude 1' }).waitFor();
    await page.getByRole('button', { name: 'Connection 1' }).waitFor();
  }
  await shoot(first, 'circle-light');
  await shoot(second, 'circle-dark');
  await first.getByRole('button', { name: 'Invite to this circle' }).click();
  await shoot(first, 'circle-invitation');
  for (const page of [first, second]) await page.close();
  await picture('circle-one', PHONE, 'light', { search: '?channel=evening' });
  await picture('circle-desktop', DESKTOP, 'dark', { search: '?channel=lobby' });
  const longName = 'long-name.'.repeat(7).slice(0, 64);
  await picture('circle-long', SMALL_PHONE, 'light', { search: `?channel=${longName}` });
  await picture('no-circle', PHONE, 'light', { search: '?channel=..' });
  await picture('no-circle-desktop', DESKTOP, 'dark', { search: '?channel=..' });
}

type Viewport = { readonly width: number; readonly height: number };

interface Scene {
  /** The people besides the page's own. */
  readonly people?: typeof crowd;
  /** What the service with the room answers as its history. */
  readonly day?: Parameters<typeof madeUpDay>[0];
  /** The query of the address, which names the circle. */
  readonly search?: string;
  /** The actions before the picture. */
  readonly act?: (page: Page) => Promise<void>;
}

async function visit(
  viewport: Viewport,
  colorScheme: 'light' | 'dark',
  { people = crowd, day = DAY_OF_MANY, search = '' }: Scene = {},
): Promise<Page> {
  // Each picture sends new heartbeats, otherwise the sessions expire.
  for (const { sessionId, mood } of people)
    await service.fetch('/api/heartbeat', { method: 'POST', body: JSON.stringify({ sessionId, mood }) });
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 2 });
  await context.route('**/api/history', (route) => route.fulfill({ json: madeUpDay(day) }));
  const page = await context.newPage();
  await page.goto(new URL(search, service.url).href);
  await page.waitForSelector('[data-status=live], [data-status=idle]');
  return page;
}

/** Takes the picture near the end of a breath in, when the orb is large. */
async function shoot(page: Page, name: string): Promise<void> {
  // The colours change for 2 s.
  await page.waitForTimeout(2_500);
  await page.evaluate(`document.body.classList.add('paused');
    for (const animation of document.getAnimations())
      if (animation.effect.getTiming().iterations === Infinity) animation.currentTime = 3_100;`);
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  console.log(`${FOLDER}/${name}.png`);
}

async function picture(
  name: string,
  viewport: Viewport,
  colorScheme: 'light' | 'dark',
  scene: Scene = {},
): Promise<void> {
  const page = await visit(viewport, colorScheme, scene);
  await scene.act?.(page);
  await shoot(page, name);
  await page.close();
}

/** Makes one picture of several, side by side. */
async function beside(path: string, ...names: readonly string[]): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1600, height: 760 } });
  const image = (name: string) =>
    `<img src="data:image/png;base64,${readFileSync(`${FOLDER}/${name}.png`, 'base64')}">`;
  await page.setContent(`<style>
      body { margin: 0; height: 100vh; display: flex; justify-content: center; align-items: center; gap: 40px; background: #d9d5cb }
      img { height: 680px; border-radius: 18px; box-shadow: 0 12px 40px #0003 }
    </style>${names.map(image).join('')}`);
  await page.screenshot({ path });
  console.log(path);
}
