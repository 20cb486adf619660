import { expect, it } from 'vitest';
import { plant } from '../../../tools/faults/plant';
import { PLANTED_BUGS } from '../../../tools/faults/planted-bugs';
import { OUR_HUBS } from '../../../tools/simulator/scenario';

const SEEDS = 100;

it.each(OUR_HUBS)('without a planted bug the bundled simulator finds nothing: %s', async (hub) => {
  const violationsOf = await plant(undefined);
  for (let seed = 1; seed <= 10; seed += 1) expect(await violationsOf(seed, 10, hub)).toEqual([]);
});

// A bundler that hangs is tried again. The worlds are the same each time, so no bug is found by trying.
it.each(PLANTED_BUGS)('finds $name', { timeout: 60_000, retry: 1 }, async (bug) => {
  const violationsOf = await plant(bug);
  const isFound = async (seed: number) => (await violationsOf(seed, 10, bug.hub ?? 'kv')).length > 0;
  if (bug.seed !== undefined && (await isFound(bug.seed))) return;
  let seed = 1;
  while (seed <= SEEDS && !(await isFound(seed))) seed += 1;
  expect(seed).toBeLessThanOrEqual(SEEDS);
});
