import { expect, it } from 'vitest';
import { ALONE_INTERVAL_MS } from '../../../../src/limits';
import { EarlyWrites } from '../../../../src/presence/kv/early-writes';

const DAY_MS = 86_400_000;

/** Writes of one day in which a session ends every so many ms. */
function writesOfADay(endsEveryMs: number): number {
  const earlyWrites = new EarlyWrites();
  let writes = 0;
  let writtenAt = 0;
  for (let now = 0; now < DAY_MS; now += 1_000) {
    const isDue = now >= writtenAt + ALONE_INTERVAL_MS;
    if (!isDue && !(now % endsEveryMs === 0 && earlyWrites.has(now))) continue;
    earlyWrites.spend(now);
    writes += 1;
    writtenAt = now;
  }
  return writes;
}

it.each([1_000, 10_000, 60_000, 99_000, 300_000, DAY_MS])(
  'an isolate that extends its lease writes fewer than 1,000 times a day, though a session ends every %d ms',
  (endsEveryMs) => {
    expect(writesOfADay(endsEveryMs)).toBeLessThan(1_000);
  },
);

it('ten ended sessions in a row are written at once', () => {
  const earlyWrites = new EarlyWrites();
  for (let n = 0; n < 10; n += 1) {
    expect(earlyWrites.has(n)).toBe(true);
    earlyWrites.spend(n);
  }
  expect(earlyWrites.has(10)).toBe(false);
});
