import { mkdirSync, readFileSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { createTestHarness } from 'wrangler';
import { findChromium } from './find-chromium';

/** Who is here besides whoever takes the picture. */
const CROWD = { gratitude: 33, presence: 51, release: 25, connection: 18 };
const crowd = Object.entries(CROWD).flatMap(([mood, people]) =>
  Array.from({ length: people }, () => ({ sessionId: crypto.randomUUID(), mood })),
);
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const FOLDER = 'dist/screenshots';

/** Takes the pictures of the page: docs/demo.png, and the others, to be looked at, in dist/screenshots. */
const found = await findChromium();
if (found === null) throw new Error('There is no Chromium.');
mkdirSync(FOLDER, { recursive: true });
const service = createTestHarness({ workers: [{ configPath: './wrangler.toml' }] });
const { url } = await service.listen();
const browser = await chromium.launch({ ...found, chromiumSandbox: false });
try {
  await picture('desktop-light', DESKTOP, 'light');
  await picture('desktop-dark', DESKTOP, 'dark');
  await picture('phone-light', PHONE, 'light');
  await picture('phone-dark', PHONE, 'dark');
  await picture('code', DESKTOP, 'light', (page) =>
    page.getByRole('button', { name: 'Show the code' }).click(),
  );
  await picture('offline', DESKTOP, 'light', async (page) => {
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Reconnecting…').waitFor();
    await page.waitForTimeout(1_000);
  });
  const moods = ['Gratitude', 'Connection'] as const;
  for (const mood of moods)
    await picture(`window-${mood.toLowerCase()}`, { width: 640, height: 800 }, 'dark', (page) =>
      page.getByRole('button', { name: mood }).click(),
    );
  await beside('docs/demo.png', 'desktop-light', 'phone-dark');
  await beside(`${FOLDER}/two-windows.png`, 'window-gratitude', 'window-connection');
} finally {
  await browser.close();
  await service.close();
}

/** All of them beat, so that nobody is over. */
async function gather(): Promise<void> {
  for (const { sessionId, mood } of crowd)
    await service.fetch('/api/heartbeat', { method: 'POST', body: JSON.stringify({ sessionId, mood }) });
}

async function picture(
  name: string,
  viewport: { readonly width: number; readonly height: number },
  colorScheme: 'light' | 'dark',
  act: (page: Page) => Promise<void> = async () => {},
): Promise<void> {
  await gather();
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 2 });
  const page = await context.newPage();
  await page.goto(url.href);
  await page.waitForSelector('[data-status=live]');
  // The colours come slowly.
  await page.waitForTimeout(2_500);
  await act(page);
  // At the end of a breath in, when the orb is large.
  await page.evaluate(`document.body.classList.add('paused');
    for (const animation of document.getAnimations())
      if (animation.effect.getTiming().iterations === Infinity) animation.currentTime = 3_100;`);
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  console.log(`${FOLDER}/${name}.png`);
  await page.close();
  await context.close();
}

/** Two pictures side by side. */
async function beside(path: string, left: string, right: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1600, height: 760 } });
  const image = (name: string) =>
    `<img src="data:image/png;base64,${readFileSync(`${FOLDER}/${name}.png`, 'base64')}">`;
  await page.setContent(`<style>
      body { margin: 0; height: 100vh; display: flex; justify-content: center; align-items: center; gap: 40px; background: #d9d5cb }
      img { height: 680px; border-radius: 18px; box-shadow: 0 12px 40px #0003 }
    </style>${image(left)}${image(right)}`);
  await page.screenshot({ path });
  console.log(path);
}
