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
  new LocationSummaries('presence:sessions:', 'presence:sessions:ams', timing(30_000, 10_000));

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

it('a summary of the future is not believed, however often it is listed', async () => {
  const others = summaries();
  const kv = lister([page(9e15, 1_000)]);
  for (let now = 0; now < 10 * LIST_INTERVAL_MS; now += LIST_INTERVAL_MS) {
    await others.refresh(kv, now);
    expect(others.counts(now).release).toBe(0);
  }
});

it('a list that fails at its second page still tells what stood on the first', async () => {
  const others = summaries();
  const first = lister([{ ...page(1_000, 5), list_complete: false, cursor: 'more' }]);
  const list = (() =>
    first.calls === 0 ? first.list() : Promise.reject(new Error('KV is away'))) as KeyLister['list'];
  await expect(others.refresh({ list }, 1_000)).rejects.toThrow('KV is away');
  expect(others.counts(1_000).release).toBe(5);
});

it('an empty page is not taken for the last one', async () => {
  const others = summaries();
  const kv = lister([{ keys: [], list_complete: false, cursor: 'more', cacheStatus: null }, page(1_000, 5)]);
  await others.refresh(kv, 1_000);
  expect(others.counts(1_000).release).toBe(5);
});
