import { expect, it } from 'vitest';
import type { OurHub } from '../../../tools/simulator/scenario';
import { violationsOf } from '../../../tools/simulator/violations-of';

/** Defines the test of ten mixed worlds with one hub. Each hub has a file, so that both run at once. */
export function testMixedWorlds(hub: OurHub): void {
  it(`ten mixed worlds with ${hub} keep every invariant`, { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 10; seed += 1) expect((await violationsOf(hub, seed)).join('\n')).toBe('');
  });
}
