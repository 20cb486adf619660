import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { PresenceState } from '../../src/presence/session';
import { NO_CHROMIUM } from './chromium';
import { ClientTrial } from './client-trial';
import { open } from './watched-page';

describe.skipIf(NO_CHROMIUM)('two counters on one page', () => {
  const trial = new ClientTrial('durable-object', { channels: 'lobby, hall' });

  const lobby = async () => {
    const response = await fetch(`${trial.worker.origin}/api/channels/lobby/presence`);
    return (await response.json()) as PresenceState;
  };
  const both = async () => [await trial.count(), (await lobby()).count];

  /** A page of another origin with a counter in the default channel and one in `lobby`. */
  const twoCounters = () =>
    trial.site.add('two', {
      body: '<presence-count mood="gratitude">–</presence-count> <presence-count mood="release" channel="lobby">–</presence-count>',
      script: `import '${trial.worker.origin}/presence-element.js';`,
    });
  const shown = (page: Page) =>
    page.locator('presence-count').evaluateAll((all) => all.map((one) => one.shadowRoot?.textContent));

  it('two counters in two tabs count one person in each channel, each in its own mood', async () => {
    const visitor = await trial.visitor();
    const { page: first, consoleErrors } = await open(visitor, twoCounters());
    await expect.poll(() => shown(first)).toEqual(['1', '1']);
    const { page: second } = await open(visitor, twoCounters());
    await expect.poll(() => shown(second)).toEqual(['1', '1']);
    const { page: other } = await open(await trial.visitor(), twoCounters());
    await expect.poll(() => shown(other)).toEqual(['2', '2']);
    await expect.poll(() => shown(first)).toEqual(['2', '2']);
    expect((await trial.worker.presence()).moods).toMatchObject({ gratitude: 2, release: 0 });
    expect((await lobby()).moods).toMatchObject({ gratitude: 0, release: 2 });
    await other
      .locator('presence-count')
      .last()
      .evaluate((one) => one.setAttribute('mood', 'connection'));
    await expect.poll(async () => (await lobby()).moods.connection).toBe(1);
    expect((await trial.worker.presence()).moods.gratitude).toBe(2);
    expect(consoleErrors).toEqual([]);
  });

  it('a tab that closes ends no session of the other tab, in either channel', async () => {
    const visitor = await trial.visitor();
    const { page: first } = await open(visitor, twoCounters());
    const { page: second } = await open(visitor, twoCounters());
    for (const page of [first, second]) await expect.poll(() => shown(page)).toEqual(['1', '1']);
    const seen = await trial.countsWhile(() => second.close());
    expect(seen).toEqual([1, 1]);
    expect(await both()).toEqual([1, 1]);
    await first.close();
    await expect.poll(both).toEqual([0, 0]);
  });

  it('a counter that is removed or changes its channel leaves only its old channel', async () => {
    const { page } = await open(await trial.visitor(), twoCounters());
    await expect.poll(both).toEqual([1, 1]);
    await page
      .locator('presence-count')
      .last()
      .evaluate((one) => one.setAttribute('channel', 'hall'));
    await expect.poll(both).toEqual([1, 0]);
    await page
      .locator('presence-count')
      .first()
      .evaluate((one) => one.remove());
    await expect.poll(both).toEqual([0, 0]);
    await expect.poll(() => shown(page)).toEqual(['1']);
  });
});
