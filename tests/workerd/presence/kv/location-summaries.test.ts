import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MAX_MS, LOCATIONS_MAX } from '../../../../src/limits';
import { isWriterAlone } from '../../../../src/presence/kv/location-summaries';
import { totalOf, ZERO_COUNTS } from '../../../../src/presence/session';
import {
  ALONE_LEASE_MS,
  FRA,
  LEASE_MS,
  lister,
  page,
  pageOf,
  summaries,
  summary,
  TIMING,
} from './scripted-lister';

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

it.each([
  [LEASE_MS, false],
  [LEASE_MS + 1, true],
  [ALONE_LEASE_MS, true],
])('a summary with a lease of %d ms shows that its writer is alone: %s', (leaseMs, isAlone) => {
  expect(isWriterAlone(summary(1_000, 5, leaseMs), TIMING)).toBe(isAlone);
});
