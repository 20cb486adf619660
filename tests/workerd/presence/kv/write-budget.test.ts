import { expect, it } from 'vitest';
import { GROUPS } from '../../../../src/presence/kv/opened-locations';
import { WriteBudget } from '../../../../src/presence/kv/write-budget';

const DAY_MS = 86_400_000;
const REFRESH_MS = 100_000;

/**
 * Returns the writes of one day of a replica that is alone in the world. It refreshes 100 s after its last write, and writes each
 * change for which it has budget. A change comes every `changesEveryMs`, and costs `cost` writes.
 */
function writesOfADay(changesEveryMs: number, cost = 1): number {
  const budget = new WriteBudget();
  let writes = 0;
  let writtenAt = 0;
  for (let now = 0; now < DAY_MS; now += 500) {
    const isRefresh = now >= writtenAt + REFRESH_MS;
    if (!isRefresh && !(now % changesEveryMs === 0 && budget.has(cost, now))) continue;
    const spent = isRefresh ? 1 : cost;
    budget.spend(spent, now);
    writes += spent;
    writtenAt = now;
  }
  return writes;
}

it('a replica may write three changes in a row, and then one in 100 s', () => {
  const budget = new WriteBudget();
  for (const now of [0, 1, 2]) {
    expect(budget.has(1, now)).toBe(true);
    budget.spend(1, now);
  }
  for (const earnedAt of [100_000, 200_000, 300_000]) {
    expect(budget.has(1, earnedAt - 1)).toBe(false);
    expect(budget.has(1, earnedAt)).toBe(true);
    budget.spend(1, earnedAt);
  }
});

it('a replica that has not written for a day may write three changes in a row and no more', () => {
  const budget = new WriteBudget();
  for (let n = 0; n < 3; n += 1) budget.spend(1, 0);
  for (let n = 0; n < 3; n += 1) {
    expect(budget.has(1, DAY_MS)).toBe(true);
    budget.spend(1, DAY_MS);
  }
  expect(budget.has(1, DAY_MS)).toBe(false);
});

it('a location that opens needs budget for all of its writes', () => {
  const budget = new WriteBudget();
  expect(budget.has(1 + GROUPS, 0)).toBe(true);
  budget.spend(1 + GROUPS, 0);
  expect(budget.has(1 + GROUPS, 299_999)).toBe(false);
  expect(budget.has(1 + GROUPS, 300_000)).toBe(true);
});

it('refreshes without budget delay no change by more than 100 s', () => {
  const budget = new WriteBudget();
  for (let now = 0; now <= 1_000_000; now += 20_000) budget.spend(1, now);
  expect(budget.has(1, 1_099_999)).toBe(false);
  expect(budget.has(1, 1_100_000)).toBe(true);
});

it('a clock that steps back earns nothing', () => {
  const budget = new WriteBudget();
  budget.spend(3, 1_000_000);
  expect(budget.has(1, 0)).toBe(false);
});

it.each([500, 1_000, 7_000, 33_500, 60_000, 99_000, 100_500, 151_000, 300_000, DAY_MS])(
  'a replica that is alone in the world writes at most 867 times a day with a change every %d ms',
  (changesEveryMs) => {
    expect(writesOfADay(changesEveryMs)).toBeLessThanOrEqual(867);
  },
);

it('a replica that is alone in the world writes at least 864 times a day while changes wait', () => {
  expect(writesOfADay(500)).toBeGreaterThanOrEqual(864);
});

it.each([500, 60_000, 99_000, 250_000])(
  'a location that opens every %d ms makes at most 869 writes a day, of all keys',
  (changesEveryMs) => {
    expect(writesOfADay(changesEveryMs, 1 + GROUPS)).toBeLessThanOrEqual(869);
  },
);
