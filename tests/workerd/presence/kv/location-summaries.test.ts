import { describe, expect, it } from 'vitest';
import {
  ALONE_INTERVAL_MS,
  CLOCK_SKEW_MAX_MS,
  LIST_INTERVAL_CHANGING_MS,
  LIST_INTERVAL_MS,
  LIST_PAGES_MAX,
  LIST_RETRY_MS,
} from '../../../../src/limits';
import { type KeyLister, LocationSummaries } from '../../../../src/presence/kv/location-summaries';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { settle } from '../../../support/fake-runtime';

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
  keys: [
    {
      name: 'presence:sessions:fra',
      metadata: { at, until: at + 210_000, moods: { ...ZERO_COUNTS, release } },
    },
  ],
  list_complete: true,
  cacheStatus: null,
});

const summaries = () =>
  new LocationSummaries('presence:sessions:', 'presence:sessions:ams', kvTiming(30_000, 10_000));

it('a cached list that is older than the one before changes nothing', async () => {
  const others = summaries();
  const kv = lister([page(2_000, 5), page(1_000, 9), page(3_000, 6)]);
  const seen: number[] = [];
  for (const now of [2_000, 2_000 + LIST_INTERVAL_MS, 2_000 + 2 * LIST_INTERVAL_MS]) {
    await others.refresh(kv, now, 0);
    seen.push(others.counts(now).release);
  }
  expect(seen).toEqual([5, 5, 6]);
});

it('a list that never ends is read for so many pages and no more', async () => {
  const others = summaries();
  const endless: Listed = { ...page(1_000, 5), list_complete: false, cursor: 'more' };
  const kv = lister([endless]);
  await others.refresh(kv, 1_000, 0);
  expect(kv.calls).toBe(LIST_PAGES_MAX);
  expect(others.counts(1_000).release).toBe(5);
});

it('a summary of the future is not believed, however often it is listed', async () => {
  const others = summaries();
  const kv = lister([page(9e15, 1_000)]);
  for (let now = 0; now < 10 * LIST_INTERVAL_MS; now += LIST_INTERVAL_MS) {
    await others.refresh(kv, now, 0);
    expect(others.counts(now).release).toBe(0);
  }
});

it('a summary of a clock that is ahead is believed, up to what a clock can be ahead', async () => {
  const others = summaries();
  await others.refresh(lister([page(1_000 + CLOCK_SKEW_MAX_MS, 5)]), 1_000, 0);
  expect(others.counts(1_000).release).toBe(5);
});

it('a location that has not spoken for its lease is one no more', async () => {
  const others = summaries();
  await others.refresh(lister([page(1_000, 5)]), 1_000, 0);
  expect(others.isEmpty(1_000 + 210_000 - 1)).toBe(false);
  expect(others.isEmpty(1_000 + 210_000)).toBe(true);
});

it('a list that fails at its second page still tells what stood on the first', async () => {
  const others = summaries();
  const first = lister([{ ...page(1_000, 5), list_complete: false, cursor: 'more' }]);
  const list = (() =>
    first.calls === 0 ? first.list() : Promise.reject(new Error('KV is away'))) as KeyLister['list'];
  await expect(others.refresh({ list }, 1_000, 0)).rejects.toThrow('KV is away');
  expect(others.counts(1_000).release).toBe(5);
});

it('an empty page is not taken for the last one', async () => {
  const others = summaries();
  const kv = lister([{ keys: [], list_complete: false, cursor: 'more', cacheStatus: null }, page(1_000, 5)]);
  await others.refresh(kv, 1_000, 0);
  expect(others.counts(1_000).release).toBe(5);
});

describe('the next listing is due', () => {
  const nobody: Listed = { keys: [], list_complete: true, cacheStatus: null };
  it.each([
    ['once a minute', page(1, 5), 10, 10, LIST_INTERVAL_MS],
    ['less often for a few people who are alone in the world', nobody, 20, 20, ALONE_INTERVAL_MS],
    ['once a minute for many who are alone in the world', nobody, 21, 21, LIST_INTERVAL_MS],
    ['as before while a small crowd changes by a few', page(1, 5), 10, 15, LIST_INTERVAL_MS],
    ['sooner when a small crowd grows', page(1, 5), 10, 16, LIST_INTERVAL_CHANGING_MS],
    ['as before while a large crowd changes by a fiftieth', page(1, 5), 1_000, 981, LIST_INTERVAL_MS],
    ['sooner when a large crowd breaks up', page(1, 5), 1_000, 800, LIST_INTERVAL_CHANGING_MS],
  ])('%s', async (_name, listed, before, people, waitMs) => {
    const others = summaries();
    expect(others.isDue(0, before)).toBe(true);
    await others.refresh(lister([listed]), 0, before);
    expect(others.isDue(waitMs - 1, people)).toBe(false);
    expect(others.isDue(waitMs, people)).toBe(true);
  });

  it.each([
    // KV shows a summary 20 s after it was written.
    ['a minute after KV looked, by the newest summary', 60_000, 60_000 + 20_000 + 60_000],
    ['and no sooner than in 15 s', 1, 110_000 + 15_000],
  ])('%s', async (_name, newestAt, dueAt) => {
    const others = summaries();
    await others.refresh(lister([page(newestAt, 5)]), 110_000, 10);
    expect(others.isDue(dueAt - 1, 10)).toBe(false);
    expect(others.isDue(dueAt, 10)).toBe(true);
  });

  it.each([
    ['failed', () => Promise.reject(new Error('KV is away'))],
    ['never ended', () => new Promise(() => undefined)],
  ])('soon after one that %s', async (_what, list) => {
    const others = summaries();
    void others.refresh({ list: list as KeyLister['list'] }, 0, 10).catch(() => undefined);
    await settle();
    expect(others.isDue(LIST_RETRY_MS - 1, 10)).toBe(false);
    expect(others.isDue(LIST_RETRY_MS, 10)).toBe(true);
  });
});

it('a summary that claims to count for ever counts no longer than any can', async () => {
  const others = summaries();
  const metadata = { at: 1_000, until: 9e15, moods: { ...ZERO_COUNTS, release: 5 } };
  await others.refresh(
    lister([{ ...page(0, 0), keys: [{ name: 'presence:sessions:fra', metadata }] }]),
    1_000,
    0,
  );
  expect(others.counts(1_000 + 300_000 - 1).release).toBe(5);
  expect(others.counts(1_000 + 300_000).release).toBe(0);
});

describe('a listing', () => {
  const never = () => new Promise<never>(() => undefined);

  it('that does not end is failing after 5 s, also while the next one runs, until one succeeds', async () => {
    const others = summaries();
    void others.refresh({ list: never } as KeyLister, 0, 0);
    expect(others.isFailing(LIST_RETRY_MS - 1)).toBe(false);
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
    void others.refresh({ list: never } as KeyLister, LIST_RETRY_MS, 0);
    expect(others.isFailing(LIST_RETRY_MS + 1)).toBe(true);
    await others.refresh(lister([page(1_000, 5)]), 2 * LIST_RETRY_MS, 0);
    expect(others.isFailing(10 * LIST_RETRY_MS)).toBe(false);
  });

  it('that fails is failing at once, and a late success of an earlier one changes nothing', async () => {
    const others = summaries();
    const late = Promise.withResolvers<Listed>();
    const earlier = others.refresh({ list: () => late.promise } as unknown as KeyLister, 0, 0);
    const fails = { list: () => Promise.reject(new Error('KV is away')) } as KeyLister;
    await expect(others.refresh(fails, LIST_RETRY_MS, 0)).rejects.toThrow();
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
    late.resolve(page(1_000, 5));
    await earlier;
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
  });

  it('that fails late, after a newer one has succeeded, changes nothing', async () => {
    const others = summaries();
    const late = Promise.withResolvers<Listed>();
    const earlier = others.refresh({ list: () => late.promise } as unknown as KeyLister, 0, 0);
    await others.refresh(lister([page(1_000, 5)]), LIST_RETRY_MS, 0);
    late.reject(new Error('KV is away'));
    await expect(earlier).rejects.toThrow();
    expect(others.isFailing(LIST_RETRY_MS)).toBe(false);
  });
});
