import { describe, expect, it } from 'vitest';
import {
  ALONE_INTERVAL_MS,
  CLOCK_SKEW_MAX_MS,
  LIST_INTERVAL_MS,
  LIST_PAGES_MAX,
  LIST_RETRY_MS,
  LOCATIONS_MAX,
} from '../../../../src/limits';
import {
  isWriterAlone,
  type KeyLister,
  LocationSummaries,
} from '../../../../src/presence/kv/location-summaries';
import { totalOf, ZERO_COUNTS } from '../../../../src/presence/session';
import { kvTiming } from '../../../../src/presence/timing';
import { settle } from '../../../support/fake-runtime';

type Listed = Awaited<ReturnType<KeyLister['list']>>;

const TIMING = kvTiming(30_000, 10_000);
const LEASE_MS = 220_000;
const ALONE_LEASE_MS = 300_000;
const FRA = 'presence:sessions:fra';

/** Returns these pages, and then the last one again. Local KV never returns cached, stale or endless lists. */
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

/** Makes a lister of a function. */
const listerOf = (list: () => Promise<unknown>) => ({ list: list as KeyLister['list'] });
const failing = listerOf(() => Promise.reject(new Error('KV is unavailable')));

const summary = (at: number, release: number, leaseMs = LEASE_MS) => ({
  at,
  until: at + leaseMs,
  moods: { ...ZERO_COUNTS, release },
});

const pageOf = (...entries: readonly (readonly [string, unknown])[]): Listed => ({
  keys: entries.map(([name, metadata]) => ({ name, metadata })),
  list_complete: true,
  cacheStatus: null,
});
const page = (at: number, release: number, leaseMs?: number) => pageOf([FRA, summary(at, release, leaseMs)]);

const summaries = () => new LocationSummaries('presence:sessions:', 'presence:sessions:ams', TIMING);

/** Checks that the next listing is due at that time and not 1 ms before. */
function expectDueAt(others: LocationSummaries, dueAt: number, everywhere = 10): void {
  expect(others.isDue(dueAt - 1, everywhere)).toBe(false);
  expect(others.isDue(dueAt, everywhere)).toBe(true);
}

describe('listings', () => {
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

describe('counted summaries', () => {
  it.each([
    [CLOCK_SKEW_MAX_MS, 5],
    [CLOCK_SKEW_MAX_MS + 1, 0],
    [9e14, 0],
  ])(
    'a summary that is %d ms ahead counts %d sessions, however often KV lists it',
    async (aheadMs, count) => {
      const others = summaries();
      for (let listings = 0; listings < 4; listings += 1) {
        await others.refresh(lister([page(1_000 + aheadMs, 5)]), 1_000);
        expect(others.counts(1_000).release).toBe(count);
      }
    },
  );

  it.each([LEASE_MS, ALONE_LEASE_MS])('a summary counts until its lease of %d ms ends', async (leaseMs) => {
    const others = summaries();
    await others.refresh(lister([page(1_000, 5, leaseMs)]), 1_000);
    expect(others.counts(1_000 + leaseMs - 1).release).toBe(5);
    expect(others.counts(1_000 + leaseMs).release).toBe(0);
  });

  it('a summary with a longer lease than any writer gives counts for the longest lease', async () => {
    const others = summaries();
    await others.refresh(lister([page(1_000, 5, 9e14)]), 1_000);
    expect(others.counts(1_000 + ALONE_LEASE_MS - 1).release).toBe(5);
    expect(others.counts(1_000 + ALONE_LEASE_MS).release).toBe(0);
  });

  it('an older copy with a longer lease does not revive an ended summary', async () => {
    const older = page(5_000, 9, ALONE_LEASE_MS);
    const ended = page(10_000, 5, 10_000);
    for (let now = 20_000; now < 5_000 + ALONE_LEASE_MS; now += 30_000) {
      const others = summaries();
      await others.refresh(lister([ended]), 10_000);
      expect(others.counts(now)).toEqual(ZERO_COUNTS);
      await others.refresh(lister([older]), now);
      expect(others.counts(now)).toEqual(ZERO_COUNTS);
    }
  });

  it.each([
    ['a', true],
    ['fra', true],
    ['fra2', true],
    ['0', true],
    ['a'.repeat(16), true],
    ['', false],
    ['a'.repeat(17), false],
    ['FRA', false],
    ['fra:1', false],
    ['fra-1', false],
    [' fra', false],
    ['fra\n', false],
    ['fr\u00e4', false],
    ['__proto__', false],
    // The replica is in this location.
    ['ams', false],
  ])('a reader counts a location with the name %j: %s', async (name, counts) => {
    const key = `presence:sessions:${name}`;
    const listing = summaries();
    await listing.refresh(lister([pageOf([key, summary(1_000, 5)])]), 1_000);
    const adding = summaries();
    adding.add([[key, summary(1_000, 5)]], 1_000);
    for (const others of [listing, adding]) expect(others.counts(1_000).release).toBe(counts ? 5 : 0);
  });

  it('a reader ignores keys without the prefix of its version', () => {
    const others = summaries();
    const keys = [
      'fra',
      'presence:fra',
      'presence:sessions',
      'presence:opened:0:1',
      'xpresence:sessions:fra',
    ];
    others.add(
      keys.map((key) => [key, summary(1_000, 5)] as const),
      1_000,
    );
    expect(others.counts(1_000)).toEqual(ZERO_COUNTS);
  });

  it('a reader counts 1,000 locations, ignores further ones, and accepts newer summaries of the first', async () => {
    const others = summaries();
    const keys = Array.from({ length: LOCATIONS_MAX + 100 }, (_, n) => `${FRA}${n}`);
    const first = pageOf(...keys.slice(0, 900).map((key) => [key, summary(1_000, 1)] as const));
    const second = pageOf(...keys.slice(900).map((key) => [key, summary(1_000, 1)] as const));
    await others.refresh(lister([{ ...first, list_complete: false, cursor: 'more' }, second]), 1_000);
    expect(others.counts(1_000).release).toBe(LOCATIONS_MAX);
    others.add([[`${FRA}0`, summary(1_001, 5)]], 1_001);
    expect(others.counts(1_001).release).toBe(LOCATIONS_MAX + 4);
  });

  it('a reader accepts new locations again when 1,000 old summaries have ended', () => {
    const others = summaries();
    others.add(
      Array.from({ length: LOCATIONS_MAX }, (_, n) => [`${FRA}${n}`, summary(1_000, 1)] as const),
      1_000,
    );
    const now = 1_000 + ALONE_LEASE_MS;
    expect(others.counts(now)).toEqual(ZERO_COUNTS);
    others.add([[FRA, summary(now, 5)]], now);
    expect(others.counts(now).release).toBe(5);
  });

  it.each([
    [{ release: 400_000 }, 400_000],
    [{ release: 400_001 }, 0],
    [{ release: 200_000, presence: 200_000 }, 400_000],
    [{ release: 200_000, presence: 200_001 }, 0],
  ])('a location with %j counts %d sessions', (moods, count) => {
    const others = summaries();
    others.add([[FRA, { ...summary(1_000, 0), moods: { ...ZERO_COUNTS, ...moods } }]], 1_000);
    expect(totalOf(others.counts(1_000))).toBe(count);
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['a list', [1]],
    ['an object without moods', { at: 1_000, until: 9_000 }],
    ['an object with a negative count', { ...summary(1_000, -1) }],
    ['an object with a fractional count', { ...summary(1_000, 0.5) }],
    ['an object with a negative time', { ...summary(-1, 5), until: 9_000 }],
    ['an object with a text for a time', { ...summary(1_000, 5), until: '9000' }],
  ])('a reader ignores %s as a summary', async (_what, metadata) => {
    const others = summaries();
    others.add([[FRA, metadata]], 1_000);
    await others.refresh(lister([pageOf([FRA, metadata])]), 1_000);
    expect(others.counts(1_000)).toEqual(ZERO_COUNTS);
  });

  it('the summary of the own location stops counting when the replica gets its location', async () => {
    const others = summaries();
    await others.refresh(lister([page(1_000, 5)]), 1_000);
    others.ownKey = FRA;
    expect(others.counts(1_000)).toEqual(ZERO_COUNTS);
    others.add([[FRA, summary(2_000, 5)]], 2_000);
    expect(others.counts(2_000)).toEqual(ZERO_COUNTS);
  });
});

describe('added summaries', () => {
  it('an added summary counts at once, and the newer of two summaries counts', async () => {
    const others = summaries();
    others.add([[FRA, summary(2_000, 5)]], 2_000);
    expect(others.counts(2_000).release).toBe(5);
    await others.refresh(lister([page(1_000, 9)]), 2_000);
    expect(others.counts(2_000).release).toBe(5);
    await others.refresh(lister([page(3_000, 6)]), 3_000);
    expect(others.counts(3_000).release).toBe(6);
    others.add([[FRA, summary(2_000, 5)]], 3_000);
    expect(others.counts(3_000).release).toBe(6);
  });

  it('an added summary counts beside the listed ones', async () => {
    const others = summaries();
    await others.refresh(lister([page(1_000, 5)]), 1_000);
    others.add([['presence:sessions:sin', summary(1_000, 2)]], 1_000);
    expect(others.counts(1_000).release).toBe(7);
  });

  it('an added summary does not delay the first listing', () => {
    const others = summaries();
    others.add([[FRA, summary(1_000, 5)]], 1_000);
    expect(others.isDue(1_000, 1)).toBe(true);
    expect(others.isFailing(1e9)).toBe(false);
  });
});

describe('listing interval', () => {
  const empty = pageOf();

  it('the first listing is due at once', () => {
    expect(summaries().isDue(0, 1)).toBe(true);
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
    ['125 s for a shared summary of 1 ms, because a list counts as at most 45 s old', [shared(1)], 65_000],
    [
      '170 s for a shared summary of 100 s, because a list is never of the future',
      [shared(100_000)],
      110_000,
    ],
    ['170 s for a summary of 60 s whose writer is alone', [alone(60_000)], 110_000],
    ['170 s for an ended summary', [summary(60_000, 1, 50_000)], 110_000],
    [
      '140 s for a shared summary of 60 s beside one of 85 s whose writer is alone',
      [alone(85_000), shared(60_000)],
      80_000,
    ],
    [
      '150 s for a shared summary of 70 s beside one of 60 s whose writer is alone',
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

it.each([
  [LEASE_MS, false],
  [LEASE_MS + 1, true],
  [ALONE_LEASE_MS, true],
])('a summary with a lease of %d ms shows that its writer is alone: %s', (leaseMs, isAlone) => {
  expect(isWriterAlone(summary(1_000, 5, leaseMs), TIMING)).toBe(isAlone);
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
