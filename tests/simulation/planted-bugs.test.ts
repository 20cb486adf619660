import { expect, it } from 'vitest';
import { PLANTED_BUGS, plant } from './planted-bugs';

const SEEDS = 100;

it('without a planted bug the bundled simulator finds nothing', async () => {
  const violationsOf = await plant(undefined);
  for (let seed = 1; seed <= 10; seed += 1) expect(await violationsOf(seed, 10)).toEqual([]);
});

it.each(PLANTED_BUGS)('finds $name', { timeout: 60_000 }, async (bug) => {
  const violationsOf = await plant(bug);
  let seed = 1;
  while (seed <= SEEDS && (await violationsOf(seed, 10)).length === 0) seed += 1;
  expect(seed).toBeLessThanOrEqual(SEEDS);
});
