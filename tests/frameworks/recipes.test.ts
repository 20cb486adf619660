import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserTrial } from '../browser/browser-trial';
import { NO_CHROMIUM } from '../browser/chromium';
import { close, open } from '../browser/watched-page';
import { started } from '../support/started';
import { BuiltApp } from './built-app';
import { readRecipes, withService } from './read-recipes';
import { RECIPE_APPS } from './recipe-apps';

const LINES_MAX = 15;
/** A session that only expires lasts for at least two thirds of this time after a visitor leaves. */
const TTL_MS = 15_000;
/** A leave ends the session within this time. A session that expires takes longer. */
const LEAVE_MS_MAX = 4_000;

const recipes = readRecipes();

it('each recipe of the document has an app', () => {
  const headings = new Set(RECIPE_APPS.map(({ heading }) => heading));
  expect([...recipes.keys()]).toEqual([...headings]);
});

it.each([...recipes])('the recipe for %s has at most 15 lines', (_, recipe) => {
  expect(recipe.split('\n').length).toBeLessThanOrEqual(LINES_MAX);
});

describe.skipIf(NO_CHROMIUM)('recipes in Chromium', () => {
  const variables = { SESSION_TTL_SECONDS: String(TTL_MS / 1_000), PRESENCE_HUB: 'durable-object' };
  const trial = new BrowserTrial(variables, 2 * TTL_MS);

  describe.each(RECIPE_APPS)('app $name', (app) => {
    let built: BuiltApp | undefined;
    beforeAll(async () => {
      const recipe = withService(recipes.get(app.heading) ?? '', trial.worker.origin);
      built = await BuiltApp.start(app, recipe);
    });
    afterAll(() => built?.site.close());

    async function openApp() {
      const context = await trial.visitor();
      return { context, ...(await open(context, started(built).site.origin)) };
    }

    if (app.build)
      it(`the build of the app ${app.name} prints no warning`, () => {
        const { stdout, stderr } = started(built).printed;
        expect(stderr).toBe('');
        // Astro prints its warnings to stdout.
        expect(stdout).not.toContain('[WARN]');
      });

    if (app.typeCheck)
      it(`the type checker of the app ${app.name} accepts the recipe`, async () => {
        await started(built).checkTypes();
      });

    it(`the app ${app.name} shows how many visitors have it open`, async () => {
      const first = await openApp();
      await expect.poll(shownOn(first.page)).toBe('- paragraph: 1 breathing now');
      const second = await openApp();
      for (const { page } of [first, second])
        await expect.poll(shownOn(page)).toBe('- paragraph: 2 breathing now');
      await close(second.context);
      const leave = { timeout: LEAVE_MS_MAX };
      await expect.poll(shownOn(first.page), leave).toBe('- paragraph: 1 breathing now');
      expect([...first.consoleErrors, ...second.consoleErrors]).toEqual([]);
    });

    it(`a visitor of the app ${app.name} leaves when ${app.hasButton ? 'it removes the component' : 'its page closes'}`, async () => {
      const { context, page, consoleErrors } = await openApp();
      await expect.poll(trial.count).toBe(1);
      if (app.hasButton) await page.getByRole('button', { name: 'Remove' }).click();
      else await close(context);
      await expect.poll(trial.count, { timeout: LEAVE_MS_MAX }).toBe(0);
      expect(consoleErrors).toEqual([]);
    });
  });
});

/** The text of the paragraph for assistive technology, which includes shadow roots. */
const shownOn = (page: Page) => () => page.locator('p').ariaSnapshot();
