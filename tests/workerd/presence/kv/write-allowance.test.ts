import { expect, it } from 'vitest';
import { ALONE_INTERVAL_MS } from '../../../../src/limits';
import { WriteAllowance } from '../../../../src/presence/kv/write-allowance';

const DAY_MS = 86_400_000;

/** Writes of one day in which a session ends every so many ms. */
function writesOfADay(endsEveryMs: number): number {
  const allowance = new WriteAllowance();
  let writes = 0;
  let writtenAt = 0;
  for (let now = 0; now < DAY_MS; now += 1_000) {
    const isDue = now >= writtenAt + ALONE_INTERVAL_MS;
    if (!isDue && !(now % endsEveryMs === 0 && allowance.isLeft(now))) continue;
    allowance.spend(now);
    writes += 1;
    writtenAt = now;
  }
  return writes;
}

it.each([1_000, 10_000, 60_000, 99_000, 300_000, DAY_MS])(
  'an isolate that rests writes fewer than 1,000 times a day, though a session ends every %d ms',
  (endsEveryMs) => {
    expect(writesOfADay(endsEveryMs)).toBeLessThan(1_000);
  },
);

it('ten ends in a row are written at once', () => {
  const allowance = new WriteAllowance();
  for (let n = 0; n < 10; n += 1) {
    expect(allowance.isLeft(n)).toBe(true);
    allowance.spend(n);
  }
  expect(allowance.isLeft(10)).toBe(false);
});
