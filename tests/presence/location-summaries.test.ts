import { expect, it } from 'vitest';
import { LIST_INTERVAL_MS, LIST_PAGES_MAX, timing } from '../../src/config';
import { type KeyLister, LocationSummaries } from '../../src/presence/location-summaries';
import { NOBODY } from '../../src/presence/session';

type Listed = Awaited<ReturnType<KeyLister['list']>>;

/** KV's cached lists, stale and endless ones, which local KV never shows. */
function lister(pages: readonly Listed[]): KeyLister & { calls: number } {
  const stub = {
    calls: 0,
    list: () => {
      const page = pages[Math.min(stub.calls, pages.length - 1)];
      stub.calls += 1;
      return Promise.resolve(page);
    },
  };
  return stub as KeyLister & { calls: number };
}

const page = (at: number, release: number): Listed => ({
  keys: [{ name: 'presence:sessions:fra', metadata: { at, moods: { ...NOBODY, release } } }],
  list_complete: true,
  cacheStatus: null,
});

const summaries = () =>
  new LocationSummaries('presence:sessions', 'presence:sessions:ams', timing(30_000, 10_000));

it('a cached list that is older than the one before changes nothing', async () => {
  const others = summaries();
  const kv = lister([page(2_000, 5), page(1_000, 9), page(3_000, 6)]);
  const seen: number[] = [];
  for (const now of [2_000, 2_000 + LIST_INTERVAL_MS, 2_000 + 2 * LIST_INTERVAL_MS]) {
    await others.refresh(kv, now);
    seen.push(others.counts(now).release);
  }
  expect(seen).toEqual([5, 5, 6]);
});

it('a list that never ends is read for so many pages and no more', async () => {
  const others = summaries();
  const endless: Listed = { ...page(1_000, 5), list_complete: false, cursor: 'more' };
  const kv = lister([endless]);
  await others.refresh(kv, 1_000);
  expect(kv.calls).toBe(LIST_PAGES_MAX);
  expect(others.counts(1_000).release).toBe(5);
});

it('an empty page is not taken for the last one', async () => {
  const others = summaries();
  const kv = lister([{ keys: [], list_complete: false, cursor: 'more', cacheStatus: null }, page(1_000, 5)]);
  await others.refresh(kv, 1_000);
  expect(others.counts(1_000).release).toBe(5);
});
