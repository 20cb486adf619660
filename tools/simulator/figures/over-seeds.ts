import { progress } from '../../progress';
import { runAll } from '../run-all';
import { Scenario, type ScenarioOptions } from '../scenario';
import type { SimulationResult } from '../simulate';

export const SEEDS = [1, 2, 3, 4];

/** Runs each world with every seed. Returns the results of each world, in the same order. The progress line shows `name`. */
export async function overSeeds(
  name: string,
  worlds: readonly ScenarioOptions[],
): Promise<readonly (readonly SimulationResult[])[]> {
  const scenarios = worlds.flatMap((options) => SEEDS.map((seed) => Scenario.parse({ ...options, seed })));
  const results = await runAll(scenarios, (_result, done) => progress(name, done, scenarios.length));
  return worlds.map((_options, index) => results.slice(index * SEEDS.length, (index + 1) * SEEDS.length));
}
