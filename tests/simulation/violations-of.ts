import { mixedScenario } from './mixed-scenario';
import { commandOf, type OurHub, Scenario, type ScenarioOptions } from './scenario';
import { simulate } from './simulate';

/** What goes wrong in the worlds that are drawn from this seed: a mixed one, and at times one for a rule of KV that seldom matters. */
export async function violationsOf(seed: number, minutes: number, hub: OurHub): Promise<readonly string[]> {
  const mixed = await simulate(mixedScenario(seed, minutes, hub));
  if (hub !== 'kv') return mixed.violations;
  if (seed % 10 === 0) return [...mixed.violations, ...(await crowdWithStaleReads(seed))];
  if (seed % 10 === 5) return [...mixed.violations, ...(await fewWithOnlookers(seed))];
  return mixed.violations;
}

/** A crowd on many isolates that read stale values now and then: what one of them forgets, it writes for all to read. */
async function crowdWithStaleReads(seed: number): Promise<readonly string[]> {
  const scenario = Scenario.parse({ seed, people: 400, isolates: 8, staleRead: 0.3, minutes: 3 });
  const { p99ErrorPercent, violations } = await simulate(scenario);
  if (p99ErrorPercent < 40) return violations;
  return [...violations, `p99 of the error is ${p99ErrorPercent} %\n  ${commandOf(scenario)}`];
}

/** A few people whom onlookers see through another isolate: now alone in the world, now not. */
async function fewWithOnlookers(seed: number): Promise<readonly string[]> {
  const few: ScenarioOptions = { people: 4, watchers: 4, isolates: 2, stick: 0.95, moody: 0, minutes: 20 };
  return (await simulate(Scenario.parse({ ...few, seed }))).violations;
}
