import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { NO_CHROMIUM } from './chromium';
import { barriersOf } from './page-barriers';
import { boxes, finishTransitions, overflows, shifts } from './page-layout';
import { historyOf, PageTrial } from './page-trial';

/** When each cue is fully visible, in ms of a breath. A cue that fades in or out has too little contrast for a moment. */
const BREATHE_IN_MS = 2_000;
const BREATHE_OUT_MS = 6_000;

describe.skipIf(NO_CHROMIUM)('sizes, colours, motion and accessibility', () => {
  const trial = new PageTrial();

  it.each([
    [320, 568],
    [1280, 640],
  ])(
    'all numbers fit at %i × %i px, and nothing moves when they or the history arrive',
    async (width, height) => {
      const { page, answerWith } = await trial.pageWithAnswers(
        { presence: 1 },
        { viewport: { width, height }, history: () => historyOf(9_234_567, 1_234_567, 0, 3) },
      );
      const before = await page.evaluate(boxes);
      await page.getByRole('img').waitFor();
      for (const count of [1, 2, 128, 1_234_567]) {
        if (count > 1) await answerWith({ presence: 1, gratitude: count - 1 });
        expect(await page.evaluate(overflows)).toEqual([]);
        await page.evaluate(finishTransitions);
        expect(await page.evaluate(overflows)).toEqual([]);
        expect(await page.evaluate(boxes)).toEqual(before);
      }
      expect(await page.locator('#note').innerText()).toBe(
        '9,234,567 breathed here today, 1,234,567 at once.',
      );
      expect(await page.getByRole('button', { name: 'Gratitude' }).innerText()).toContain('1,234,566');
      expect(await page.evaluate(shifts)).toEqual([]);
    },
  );

  it('forced colours leave the heading whole and the pressed mood visible', async () => {
    const { page } = await trial.pageWithAnswers({ presence: 128 }, { forcedColors: 'active' });
    await page.evaluate(finishTransitions);
    const pictureOfLine = () => page.locator('#lead').screenshot();
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
    expect(await barriersOf(page)).toEqual([]);
  });

  it('the orb is whole with each mix of moods, and at each moment of a change', async () => {
    const { page, answerWith } = await trial.pageWithAnswers({ connection: 1 }, { colorScheme: 'light' });
    const [ground] = await page.evaluate(colours, [await encoded(page, '.moods'), [[0.001, 0.001]]] as const);
    await page.evaluate(withTransitions);
    const expectWhole = async () => {
      const rim = await page.evaluate(colours, [await encoded(page, '.body'), RIM] as const);
      for (const colour of rim) expect(distance(colour, ground)).toBeGreaterThan(60);
    };
    for (const moods of [
      { release: 1 },
      { gratitude: 1, presence: 1 },
      { gratitude: 1, release: 99 },
      { gratitude: 33, presence: 52, release: 25, connection: 18 },
      { connection: 1 },
    ]) {
      await answerWith(moods);
      await page.evaluate(stopTransitionsAt, 600);
      await expectWhole();
      await page.evaluate(finishTransitions);
      await expectWhole();
    }
  });

  it('all pages breathe in the same phase, also on a device with a wrong clock', async () => {
    const people = [await trial.personInMotion(), await trial.personInMotion()];
    await people[1]?.page.addInitScript(() => {
      const { now } = Date;
      Date.now = () => now() + 3_333;
    });
    await people[1]?.page.reload();
    // The phase of the orb, with the right clock at the start of its frame. The estimate of the server's clock, with the right clock now.
    const look = async ({ page }: { page: Page }) => {
      await page.waitForSelector('[data-status=live]');
      return page.evaluate<{
        phaseMs: number;
        frameMs: number;
        serverMs: number;
        trueMs: number;
      }>(`(async () => {
        const { presence } = await import('/here.js');
        const orb = document.getAnimations().find(({ animationName }) => animationName === 'breathe');
        return {
          phaseMs: orb.currentTime % 10_000,
          frameMs: (performance.timeOrigin + document.timeline.currentTime) % 10_000,
          serverMs: presence.serverNow() % 10_000,
          trueMs: (performance.timeOrigin + performance.now()) % 10_000,
        };
      })()`);
    };
    const apart = (a: number, b: number) => Math.min((a - b + 10_000) % 10_000, (b - a + 10_000) % 10_000);
    const expectInPhase = async (one: { page: Page }) => {
      const { phaseMs, frameMs, serverMs, trueMs } = await look(one);
      expect(apart(serverMs, trueMs)).toBeLessThan(150);
      expect(apart(phaseMs, frameMs)).toBeLessThan(250);
    };
    // The estimate is right to half a round trip. On a busy machine the first one can be slow. A faster one corrects the estimate.
    for (const one of people) await vi.waitFor(() => expectInPhase(one), { timeout: 12_000, interval: 500 });
  });

  it('the pause button stops all animations, and starts them again', async () => {
    const { page } = await trial.personInMotion();
    await page.getByRole('button', { name: 'Pause' }).click();
    const states = () => page.evaluate(() => document.getAnimations().map(({ playState }) => playState));
    await expect.poll(states).toEqual(['paused', 'paused', 'paused', 'paused']);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(states).toEqual(['running', 'running', 'running', 'running']);
  });

  it('the page moves nothing if the device prefers reduced motion', async () => {
    const { page } = await trial.personInMotion({ reducedMotion: 'reduce' });
    const moves = await page.evaluate(() =>
      document
        .getAnimations()
        .flatMap(({ effect }) => (effect as KeyframeEffect).getKeyframes())
        .some((frame) => ['scale', 'transform', 'translate'].some((name) => name in frame)),
    );
    expect(moves).toBe(false);
  });

  it.each(['light', 'dark'] as const)(
    'the page has no serious barrier in %s colours',
    async (colorScheme) => {
      const { page, answerWith } = await trial.pageWithAnswers(
        { presence: 1 },
        { colorScheme, hasMotion: true, history: () => historyOf(212, 17, 0, 1) },
      );
      await page.getByRole('img').waitFor();
      await page.evaluate(stopAt, BREATHE_IN_MS);
      expect(await barriersOf(page)).toEqual([]);
      await answerWith({ presence: 1, gratitude: 127 });
      await page.evaluate(stopAt, BREATHE_OUT_MS);
      expect(await barriersOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Show the code' }).click();
      expect(await barriersOf(page)).toEqual([]);
      if (colorScheme === 'dark') return;
      const { page: watching } = await trial.pageWithAnswers(
        {},
        { colorScheme, hasMotion: true, isRobot: true },
      );
      await watching.evaluate(stopAt, BREATHE_IN_MS);
      expect(await barriersOf(watching)).toEqual([]);
    },
  );
});

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

/** Runs in the page. From then on the orb changes gradually. */
function withTransitions() {
  document.adoptedStyleSheets.pop();
}

/** Runs in the page, which has no animations. Stops its transitions at a time. */
function stopTransitionsAt(ms: number) {
  for (const transition of document.getAnimations()) {
    transition.pause();
    transition.currentTime = ms;
  }
}

/** Runs in the page. Returns the colours of a picture at these points. */
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

/** Runs in the page. Stops its animations at a time. The page resets the time of endless animations, so these get an end. */
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
