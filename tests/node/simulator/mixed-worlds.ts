import { expect, it } from 'vitest';
import type { OurHub } from '../../../tools/simulator/scenario';
import { violationsOf } from '../../../tools/simulator/violations-of';

/** Defines the tests of twenty mixed worlds with one hub. Each hub has a file, so that both run at once. */
export function testMixedWorlds(hub: OurHub): void {
  it.each(Array.from({ length: 2 }, (_, ten) => ten * 10 + 1))(
    'ten mixed worlds keep every invariant, with the seeds from %d on',
    async (first) => {
      for (let seed = first; seed < first + 10; seed += 1) {
        expect((await violationsOf(hub, seed)).join('\n')).toBe('');
      }
    },
    60_000,
  );
}
