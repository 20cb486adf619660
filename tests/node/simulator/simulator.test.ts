import { expect, it } from 'vitest';
import { mixedScenario } from '../../../tools/simulator/mixed-scenario';
import { commandOf, OUR_HUBS, Scenario, type ScenarioOptions } from '../../../tools/simulator/scenario';
import { simulate } from '../../../tools/simulator/simulate';

const run = (options: ScenarioOptions) => simulate(Scenario.parse(options));

it.each(OUR_HUBS)('the same seed gives the same run: %s', async (hub) => {
  const scenario = {
    hub,
    people: 20,
    locations: 3,
    minutes: 5,
    evict: 0.01,
    fail: 0.1,
    skewMs: 500,
    seed: 7,
  };
  const first = await run(scenario);
  expect(await run(scenario)).toEqual(first);
  expect(await run({ ...scenario, seed: 8 })).not.toEqual(first);
});

it('the command that a failure prints parses to the scenario of the failure', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const scenario = mixedScenario(seed, 10, seed % 2 === 0 ? 'kv' : 'durable-object');
    const words = commandOf(scenario).split('-- --')[1]?.split(' --') ?? [];
    const options = words.map((word) => word.split(' '));
    const camelCase = (name = '') =>
      name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
    expect(
      Scenario.parse(Object.fromEntries(options.map(([name, value]) => [camelCase(name), value]))),
    ).toEqual(scenario);
  }
});
