import { mixedScenario } from './mixed-scenario';
import { simulate } from './simulate';

/** What goes wrong in the world that is drawn from this seed. */
export async function violationsOf(seed: number, minutes: number): Promise<readonly string[]> {
  return (await simulate(mixedScenario(seed, minutes))).violations;
}
