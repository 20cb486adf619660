import { describe, expect, it, vi } from 'vitest';
import { meetings } from '../../../tools/simulator/meeting';
import { OUR_HUBS, Scenario, type ScenarioOptions } from '../../../tools/simulator/scenario';
import { simulate } from '../../../tools/simulator/simulate';

vi.setConfig({ testTimeout: 60_000 });

const run = (options: ScenarioOptions) => simulate(Scenario.parse(options));

it.each(OUR_HUBS)('one isolate counts exactly while its hub fails: %s', async (hub) => {
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
  { hub: 'kv', seconds: 25 },
  { hub: 'durable-object', seconds: 3 },
] as const)(
  'an outage of the hub fails no request, and $seconds s after it all isolates agree: $hub',
  async ({ hub, seconds }) => {
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

describe('the free plan', () => {
  it.each([
    { world: 'default stays', options: {} },
    {
      world: 'short stays, with reads and writes that KV shows late',
      options: { stayMinutes: 3, staleRead: 0.2, homeMiss: 0.2 },
    },
  ])(
    'one isolate counts five people on the free plan for a day without an error: $world',
    async ({ options }) => {
      const result = await run({ people: 5, isolates: 1, minutes: 1_440, quota: 'free', ...options });
      const aDay = (perSecond: number) => perSecond * 86_400;
      expect(aDay(result.kvPerSecond.writes)).toBeLessThan(1_000);
      expect(aDay(result.kvPerSecond.lists)).toBeLessThan(1_000);
      expect(aDay(result.kvPerSecond.reads)).toBeLessThan(100_000);
      expect(result).toMatchObject({ meanErrorPercent: 0, failedRequests: 0, violations: [] });
    },
  );

  it('a larger crowd on the free plan gets no error, and its isolate calls KV once an hour after the daily limit', async () => {
    const result = await run({ people: 60, isolates: 1, minutes: 360, quota: 'free' });
    expect(result).toMatchObject({ meanErrorPercent: 0, failedRequests: 0, violations: [] });
    const quotaErrors = result.kvPerSecond.quotaErrors * 360 * 60;
    expect(quotaErrors).toBeGreaterThan(0);
    // An isolate tries each of the three operations once an hour.
    expect(quotaErrors).toBeLessThanOrEqual(18);
  });
});

it('the usual designs count at least 17 % too few people', async () => {
  const sharedKey = await run({ hub: 'shared-key', people: 100, minutes: 5 });
  expect(sharedKey.biasPercent).toBeLessThan(-65);
  const aroundTheWorld = await run({ hub: 'shared-key', people: 100, locations: 10, minutes: 5 });
  expect(aroundTheWorld.biasPercent).toBeLessThan(-85);
  const keyPerSession = await run({ hub: 'key-per-session', people: 100, minutes: 5 });
  expect(keyPerSession.biasPercent).toBeLessThan(-17);
});

it('the figures of docs/accuracy.md hold in a short run', async () => {
  const many = await run({ people: 1_000, locations: 10, minutes: 2 });
  expect(many.meanErrorPercent).toBeLessThan(0.8);
  expect(many.p99ErrorPercent).toBeLessThan(3);
  expect(many.hubDollarsAMonth).toBeLessThan(30);
  const inTheRoom = await run({ hub: 'durable-object', people: 1_000, locations: 10, minutes: 2 });
  expect(inTheRoom.meanErrorPercent).toBeLessThan(0.1);
  expect(inTheRoom.p99ErrorPercent).toBeLessThan(0.5);
  expect(inTheRoom.hubDollarsAMonth).toBeLessThan(17);
  const few = await run({ people: 100, minutes: 20 });
  expect(few.meanErrorPercent).toBeLessThan(1);
  expect(few.hubDollarsAMonth).toBeLessThan(4);
});

it('a channel of ten people has a mean error below 0.2 %, and channels add no calls to the room', async () => {
  const crowd = { hub: 'durable-object', people: 300, locations: 10, minutes: 3 } as const;
  const alone = await run(crowd);
  const inChannels = await run({ ...crowd, channels: 30, channelSpread: 'even' });
  expect(inChannels.meanErrorPercent).toBeLessThan(0.2);
  expect(inChannels).toMatchObject({ mostChannels: 30, violations: [] });
  expect(inChannels.roomPerSecond.calls).toBeLessThan(alone.roomPerSecond.calls * 1.02);
  // A save writes the row of the channels instead of the row of the history. The history has only the default channel.
  expect(inChannels.roomPerSecond.rows - alone.roomPerSecond.rows).toBeCloseTo(0, 1);
});

it.each([
  { apart: 'up to five minutes apart', apartSeconds: 300, median: 45 },
  { apart: 'within a second', apartSeconds: 1, median: 60 },
])('two people in two locations see each other within $median s in the median: $apart', async (world) => {
  const { medianSeconds, worstSeconds } = await meetings(300, world.apartSeconds);
  expect(medianSeconds).toBeLessThanOrEqual(world.median);
  expect(worstSeconds).toBeLessThanOrEqual(100);
});

it.each([
  { crowd: { people: 30, minutes: 60 }, dollars: 5.5, error: 3.6 },
  { crowd: { people: 100, minutes: 30 }, dollars: 7, error: 2 },
])(
  'one isolate in each of ten locations costs less than $dollars dollars a month on KV: $crowd.people people',
  async (world) => {
    const result = await run({ ...world.crowd, locations: 10, isolates: 1 });
    expect(result.hubDollarsAMonth).toBeLessThan(world.dollars);
    expect(result.meanErrorPercent).toBeLessThan(world.error);
  },
);

it.each([
  { hub: 'kv', mean: 1, p99: 4 },
  { hub: 'durable-object', mean: 0.15, p99: 1 },
] as const)(
  'requests that end before their syncs cause an error below $mean % in the mean and $p99 % at p99: $hub',
  async ({ hub, mean, p99 }) => {
    const result = await run({ hub, people: 1_000, locations: 10, minutes: 3, die: 0.01 });
    expect(result).toMatchObject({ failedRequests: 0, violations: [] });
    expect(result.meanErrorPercent).toBeLessThan(mean);
    expect(result.p99ErrorPercent).toBeLessThan(p99);
  },
);

it.each([
  { hub: 'kv', shown: 180, gone: 200 },
  { hub: 'durable-object', shown: 10, gone: 10 },
] as const)(
  'all answers count nearly all of a crowd within $shown s, and at most 1 % within $gone s after its end: $hub',
  async ({ hub, shown, gone }) => {
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
