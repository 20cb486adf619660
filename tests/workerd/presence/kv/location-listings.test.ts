import { describe, expect, it } from 'vitest';
import { ALONE_INTERVAL_MS, LIST_INTERVAL_MS, LIST_PAGES_MAX, LIST_RETRY_MS } from '../../../../src/limits';
import type { LocationSummaries } from '../../../../src/presence/kv/location-summaries';
import { settle } from '../../../support/fake-runtime';
import {
  ALONE_LEASE_MS,
  FRA,
  failing,
  type Listed,
  lister,
  listerOf,
  page,
  pageOf,
  summaries,
  summary,
} from './scripted-lister';

/** Checks that the next listing is due at that time and not 1 ms before. */
function expectDueAt(others: LocationSummaries, dueAt: number, everywhere = 10): void {
  expect(others.isDue(dueAt - 1, everywhere)).toBe(false);
  expect(others.isDue(dueAt, everywhere)).toBe(true);
}

describe('pages of a list', () => {
  it('a cached list that is older than the last one changes nothing', async () => {
    const others = summaries();
    const kv = lister([page(2_000, 5), page(1_000, 9), page(3_000, 6)]);
    const seen: number[] = [];
    for (const now of [2_000, 2_000 + LIST_INTERVAL_MS, 2_000 + 2 * LIST_INTERVAL_MS]) {
      await others.refresh(kv, now);
      seen.push(others.counts(now).release);
    }
    expect(seen).toEqual([5, 5, 6]);
  });

  it('one listing reads at most 10 pages of an endless list', async () => {
    const others = summaries();
    const endless: Listed = { ...page(1_000, 5), list_complete: false, cursor: 'more' };
    const kv = lister([endless]);
    await others.refresh(kv, 1_000);
    expect(kv.calls).toBe(LIST_PAGES_MAX);
    expect(others.counts(1_000).release).toBe(5);
  });

  it('a listing that fails at its second page keeps the summaries of the first', async () => {
    const others = summaries();
    const first = lister([{ ...page(1_000, 5), list_complete: false, cursor: 'more' }]);
    const kv = listerOf(() => (first.calls === 0 ? first.list() : failing.list()));
    await expect(others.refresh(kv, 1_000)).rejects.toThrow('KV is unavailable');
    expect(others.counts(1_000).release).toBe(5);
  });

  it('a listing reads on after an empty page', async () => {
    const others = summaries();
    const empty: Listed = { ...pageOf(), list_complete: false, cursor: 'more' };
    await others.refresh(lister([empty, page(1_000, 5)]), 1_000);
    expect(others.counts(1_000).release).toBe(5);
  });
});

describe('listing interval', () => {
  const empty = pageOf();

  it('the first listing is due at once', () => {
    expect(summaries().isDue(0, 1)).toBe(true);
  });

  it('a listing is due after a step of the clock back', async () => {
    const others = summaries();
    await others.refresh(lister([empty]), 600_000);
    expect(others.isDue(599_999, 1)).toBe(true);
    expect(others.isDue(600_000, 1)).toBe(false);
  });

  it.each([1, 20, 21, 1_000])(
    'the second listing is due 60 s after an empty first one, with %d sessions',
    async (everywhere) => {
      const others = summaries();
      await others.refresh(lister([empty]), 0);
      expectDueAt(others, LIST_INTERVAL_MS, everywhere);
    },
  );

  it('a listing is due 60 s after a failed and then an empty one', async () => {
    const others = summaries();
    await others.refresh(failing, 0).catch(() => undefined);
    await others.refresh(lister([empty]), LIST_RETRY_MS);
    expectDueAt(others, LIST_RETRY_MS + LIST_INTERVAL_MS, 1);
  });

  it.each([
    ['100 s after two empty ones with 20 sessions', empty, 20, ALONE_INTERVAL_MS],
    ['60 s after two empty ones with 21 sessions', empty, 21, LIST_INTERVAL_MS],
    ['60 s after one with a location', page(59_000, 5, ALONE_LEASE_MS), 6, LIST_INTERVAL_MS],
  ])('a third listing is due %s', async (_when, listed, everywhere, waitMs) => {
    const others = summaries();
    await others.refresh(lister([empty]), 0);
    await others.refresh(lister([listed]), 60_000);
    expectDueAt(others, 60_000 + waitMs, everywhere);
  });

  it('a third listing is due 60 s after two empty ones when an added summary counts', async () => {
    const others = summaries();
    for (const now of [0, 60_000]) await others.refresh(lister([empty]), now);
    others.add([[FRA, summary(60_000, 5)]], 60_000);
    expectDueAt(others, 60_000 + LIST_INTERVAL_MS);
  });

  it('a listing is due 60 s after one with a location, with any number of sessions', async () => {
    const others = summaries();
    await others.refresh(lister([page(0, 5)]), 0);
    for (const everywhere of [0, 6, 15, 1_000, 100_000]) expectDueAt(others, LIST_INTERVAL_MS, everywhere);
  });

  it.each([
    ['failed', failing],
    ['did not end', listerOf(() => new Promise(() => undefined))],
  ])('a listing is due 5 s after one that %s', async (_what, kv) => {
    const others = summaries();
    void others.refresh(kv, 0).catch(() => undefined);
    await settle();
    expectDueAt(others, LIST_RETRY_MS);
  });

  const alone = (at: number) => summary(at, 1, ALONE_LEASE_MS);
  const shared = (at: number) => summary(at, 1);
  it.each([
    // KV lists a summary 20 s after its write, and the next listing is due 60 s after that.
    ['140 s for a shared summary of 60 s', [shared(60_000)], 80_000],
    ['150 s for shared summaries of 60 s and 70 s', [shared(60_000), shared(70_000)], 90_000],
    ['125 s for a shared summary of 1 ms: a list counts as at most 45 s old', [shared(1)], 65_000],
    ['170 s for a shared summary of 100 s: a list is never of the future', [shared(100_000)], 110_000],
    ['170 s for a summary of 60 s of a lone writer', [alone(60_000)], 110_000],
    ['170 s for an ended summary', [summary(60_000, 1, 50_000)], 110_000],
    [
      '140 s for a shared summary of 60 s and one of 85 s of a lone writer',
      [alone(85_000), shared(60_000)],
      80_000,
    ],
    [
      '150 s for a shared summary of 70 s and one of 60 s of a lone writer',
      [shared(70_000), alone(60_000)],
      90_000,
    ],
  ])('the listing after one at 110 s is due at %s', async (_when, listed, listedAt) => {
    const others = summaries();
    const kv = lister([pageOf(...listed.map((one, n) => [`${FRA}${n}`, one] as const))]);
    await others.refresh(kv, 110_000);
    expectDueAt(others, listedAt + LIST_INTERVAL_MS);
  });

  it('an old summary dates a list although a newer one is known: the next listing is due at 140 s', async () => {
    const others = summaries();
    others.add([[FRA, shared(109_000)]], 110_000);
    await others.refresh(lister([page(60_000, 1)]), 110_000);
    expectDueAt(others, 80_000 + LIST_INTERVAL_MS);
  });
});

describe('failing listings', () => {
  const never = listerOf(() => new Promise(() => undefined));

  it('a listing that does not end counts as failing after 5 s, until a later one succeeds', async () => {
    const others = summaries();
    void others.refresh(never, 0);
    expect(others.isFailing(LIST_RETRY_MS - 1)).toBe(false);
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
    void others.refresh(never, LIST_RETRY_MS);
    expect(others.isFailing(LIST_RETRY_MS + 1)).toBe(true);
    await others.refresh(lister([page(1_000, 5)]), 2 * LIST_RETRY_MS);
    expect(others.isFailing(10 * LIST_RETRY_MS)).toBe(false);
  });

  it('a failed listing counts as failing at once, also after the late success of an earlier one', async () => {
    const others = summaries();
    const late = Promise.withResolvers<Listed>();
    const earlier = others.refresh(
      listerOf(() => late.promise),
      0,
    );
    await expect(others.refresh(failing, LIST_RETRY_MS)).rejects.toThrow();
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
    late.resolve(page(1_000, 5));
    await earlier;
    expect(others.isFailing(LIST_RETRY_MS)).toBe(true);
  });

  it('a listing that fails after a newer one has succeeded does not count as failing', async () => {
    const others = summaries();
    const late = Promise.withResolvers<Listed>();
    const earlier = others.refresh(
      listerOf(() => late.promise),
      0,
    );
    await others.refresh(lister([page(1_000, 5)]), LIST_RETRY_MS);
    late.reject(new Error('KV is unavailable'));
    await expect(earlier).rejects.toThrow();
    expect(others.isFailing(LIST_RETRY_MS)).toBe(false);
  });
});
