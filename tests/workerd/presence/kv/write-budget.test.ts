import { expect, it } from 'vitest';
import { WRITE_EARNED_MS, WRITES_KEPT_MAX } from '../../../../src/limits';
import { GROUPS } from '../../../../src/presence/kv/opened-locations';
import { WriteBudget } from '../../../../src/presence/kv/write-budget';

const DAY_MS = 86_400_000;
const REFRESH_MS = 100_000;

/**
 * Returns the writes of one day of a replica that is alone with a few sessions. It refreshes 100 s after its last write. A session
 * ends every `endsEveryMs`. Its write costs `cost` writes, and needs a budget of `needed`.
 */
function writesOfADay(endsEveryMs: number, cost = 1, needed = cost): number {
  const budget = new WriteBudget();
  let writes = 0;
  let writtenAt = 0;
  for (let now = 0; now < DAY_MS; now += 500) {
    const isRefresh = now >= writtenAt + REFRESH_MS;
    if (!isRefresh && !(now % endsEveryMs === 0 && budget.has(needed, now))) continue;
    const spent = isRefresh ? 1 : cost;
    budget.spend(spent, now);
    writes += spent;
    writtenAt = now;
  }
  return writes;
}

it('a replica may write ten ended sessions in a row, and the next one 90 s later', () => {
  const budget = new WriteBudget();
  for (let now = 0; now < WRITES_KEPT_MAX; now += 1) {
    expect(budget.has(1, now)).toBe(true);
    budget.spend(1, now);
  }
  const spentAt = WRITES_KEPT_MAX - 1;
  expect(budget.has(1, spentAt + WRITE_EARNED_MS - 10)).toBe(false);
  expect(budget.has(1, spentAt + WRITE_EARNED_MS)).toBe(true);
});

it('a replica that has not written for a day may write ten ended sessions and no more', () => {
  const budget = new WriteBudget();
  budget.spend(WRITES_KEPT_MAX, 0);
  expect(budget.has(WRITES_KEPT_MAX, DAY_MS)).toBe(true);
  budget.spend(WRITES_KEPT_MAX, DAY_MS);
  expect(budget.has(1, DAY_MS)).toBe(false);
});

it('refreshes without budget delay an ended session by at most 90 s', () => {
  const budget = new WriteBudget();
  for (let now = 0; now <= 1_000_000; now += 20_000) budget.spend(1, now);
  expect(budget.has(1, 1_089_999)).toBe(false);
  expect(budget.has(1, 1_090_000)).toBe(true);
});

it('a budget neither earns nor loses a write when the clock steps back', () => {
  const budget = new WriteBudget();
  budget.spend(WRITES_KEPT_MAX - 3, 1_000_000);
  expect(budget.has(3, 0)).toBe(true);
  expect(budget.has(4, 0)).toBe(false);
});

it.each([500, 1_000, 7_000, 33_500, 60_000, 99_000, 100_500, 151_000, 300_000, DAY_MS])(
  'a replica that is alone with a few sessions writes at most 970 times a day when one ends every %d ms',
  (endsEveryMs) => {
    expect(writesOfADay(endsEveryMs)).toBeLessThanOrEqual(970);
  },
);

it.each([500, 60_000, 99_000, 250_000])(
  'a location that opens every %d ms makes at most 980 writes a day to all keys',
  (opensEveryMs) => {
    const writes = writesOfADay(opensEveryMs, 1 + GROUPS, WRITES_KEPT_MAX - GROUPS);
    expect(writes).toBeLessThanOrEqual(980);
  },
);
