import { describe, expect, it, vi } from 'vitest';
import { mixedScenario } from '../../../tools/simulator/mixed-scenario';
import { commandOf, OUR_HUBS, Scenario, type ScenarioOptions } from '../../../tools/simulator/scenario';
import { simulate } from '../../../tools/simulator/simulate';
import { violationsOf } from '../../../tools/simulator/violations-of';

vi.setConfig({ testTimeout: 60_000 });

const run = (options: ScenarioOptions) => simulate(Scenario.parse(options));

describe.each(OUR_HUBS)('the production replica in a hundred mixed worlds with the hub %s', (hub) => {
  it.each(Array.from({ length: 10 }, (_, ten) => ten * 10 + 1))('seeds from %d on', async (first) => {
    for (let seed = first; seed < first + 10; seed += 1) {
      expect((await violationsOf(seed, 10, hub)).join('\n')).toBe('');
    }
  });
});

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

it('the command that a failure prints gives the same world', () => {
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

it.each(OUR_HUBS)('one isolate is exact, whatever the hub does: %s', async (hub) => {
  const faults = { fail: 0.3, hang: 0.05, corrupt: 0.1, outageMinutes: 5, homeMiss: 0.2, staleRead: 0.2 };
  const result = await run({ hub, people: 50, isolates: 1, minutes: 10, stayMinutes: 5, ...faults });
  expect(result).toMatchObject({
    meanErrorPercent: 0,
    p99ErrorPercent: 0,
    failedRequests: 0,
    violations: [],
  });
});

it.each([
  ['kv', 25],
  ['durable-object', 3],
] as const)(
  'after five minutes without the hub no request has failed, and all agree within two intervals: %s, %d s',
  async (hub, seconds) => {
    const people = { hub, people: 60, isolates: 3, watchers: 6, stick: 1, stayMinutes: 0, minutes: 10 };
    const counts: number[] = [];
    const result = await simulate(Scenario.parse({ ...people, outageMinutes: 5, calmMinutes: 2 }), {
      // The outage ends after four minutes of warm-up and ten minutes. Each interval may be a quarter longer.
      onAnswer: (minutes, count) => void (minutes > 14 + seconds / 60 && counts.push(count)),
    });
    expect(result).toMatchObject({ failedRequests: 0, violations: [] });
    expect(new Set(counts)).toEqual(new Set([60]));
  },
);

describe('the free plan carries five people for a day', () => {
  it.each([
    ['on one isolate, without an error', {}],
    ['also where stays are short', { stayMinutes: 3 }],
    ['also where reads and writes show late', { staleRead: 0.2, homeMiss: 0.2 }],
  ])('%s', async (_name, world) => {
    const result = await run({ people: 5, isolates: 1, minutes: 1_440, quota: 'free', ...world });
    const aDay = (perSecond: number) => perSecond * 86_400;
    expect(aDay(result.kvPerSecond.writes)).toBeLessThan(1_000);
    expect(aDay(result.kvPerSecond.lists)).toBeLessThan(1_000);
    expect(aDay(result.kvPerSecond.reads)).toBeLessThan(100_000);
    expect(result).toMatchObject({ meanErrorPercent: 0, failedRequests: 0, violations: [] });
  });

  it('and who needs more is not refused, nor does he ask KV in vain', async () => {
    const result = await run({ people: 60, isolates: 1, minutes: 240, quota: 'free' });
    expect(result).toMatchObject({ meanErrorPercent: 0, failedRequests: 0, violations: [] });
    const quotaErrors = result.kvPerSecond.quotaErrors * 240 * 60;
    expect(quotaErrors).toBeGreaterThan(0);
    // Once an hour for each of the three operations.
    expect(quotaErrors).toBeLessThanOrEqual(12);
  });
});

it('the usual designs are as wrong here as a model of KV says', async () => {
  const sharedKey = await run({ hub: 'shared-key', people: 100, minutes: 5 });
  expect(sharedKey.biasPercent).toBeLessThan(-65);
  const aroundTheWorld = await run({ hub: 'shared-key', people: 100, locations: 10, minutes: 5 });
  expect(aroundTheWorld.biasPercent).toBeLessThan(-85);
  const keyPerSession = await run({ hub: 'key-per-session', people: 100, minutes: 5 });
  expect(keyPerSession.biasPercent).toBeLessThan(-17);
});

it('what is promised in docs/accuracy.md holds, in a short run', async () => {
  const many = await run({ people: 1_000, locations: 10, minutes: 5 });
  expect(many.meanErrorPercent).toBeLessThan(0.8);
  expect(many.p99ErrorPercent).toBeLessThan(3);
  expect(many.hubDollarsAMonth).toBeLessThan(30);
  const inTheRoom = await run({ hub: 'durable-object', people: 1_000, locations: 10, minutes: 5 });
  expect(inTheRoom.meanErrorPercent).toBeLessThan(0.1);
  expect(inTheRoom.p99ErrorPercent).toBeLessThan(0.5);
  expect(inTheRoom.hubDollarsAMonth).toBeLessThan(17);
  const few = await run({ people: 100, minutes: 20 });
  expect(few.meanErrorPercent).toBeLessThan(1);
  expect(few.hubDollarsAMonth).toBeLessThan(4);
});

it.each([
  ['kv', 1, 4],
  ['durable-object', 0.15, 1],
] as const)(
  'requests that die with their syncs cost little: %s, mean error below %d %%, p99 below %d %%',
  async (hub, mean, p99) => {
    const result = await run({ hub, people: 1_000, locations: 10, minutes: 5, die: 0.01 });
    expect(result).toMatchObject({ failedRequests: 0, violations: [] });
    expect(result.meanErrorPercent).toBeLessThan(mean);
    expect(result.p99ErrorPercent).toBeLessThan(p99);
  },
);

it.each([
  ['kv', 180, 200],
  ['durable-object', 10, 10],
] as const)(
  'a crowd that gathers and falls silent at once is shown and gone in time: %s',
  async (hub, shown, gone) => {
    const result = await run({
      hub,
      people: 300,
      watchers: 30,
      locations: 5,
      gatherSeconds: 30,
      stayMinutes: 0,
      minutes: 4,
      goneMinutes: 5,
    });
    expect(result.shownAfterSeconds).toBeLessThanOrEqual(shown);
    expect(result.goneAfterSeconds).toBeLessThanOrEqual(gone);
    expect(result.violations).toEqual([]);
  },
);
