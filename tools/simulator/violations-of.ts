import { mixedScenario } from './mixed-scenario';
import { commandOf, type OurHub, Scenario, type ScenarioOptions } from './scenario';
import { simulate } from './simulate';

/** Of people who come and go, after the warm-up. `npm run simulate -- deep` runs longer worlds. */
const MINUTES = 6;

/** Returns what goes wrong in the worlds of this seed: a mixed world, and for some seeds one for a rule that seldom matters. */
export async function violationsOf(hub: OurHub, seed: number): Promise<readonly string[]> {
  const mixed = await simulate(mixedScenario(seed, MINUTES, hub));
  const special = LARGE_CROWDS[hub][seed % 20] ?? SMALL_CROWDS[hub][seed % 10];
  return special === undefined ? mixed.violations : [...mixed.violations, ...(await special(seed))];
}

type SpecialWorlds = Readonly<
  Record<OurHub, Readonly<Record<number, (seed: number) => Promise<readonly string[]>>>>
>;

/** By the seed modulo 20. */
const LARGE_CROWDS: SpecialWorlds = {
  kv: { 0: crowdWithStaleReads },
  'durable-object': { 9: busyIsolates },
};

/** By the last digit of the seed. */
const SMALL_CROWDS: SpecialWorlds = {
  kv: { 1: oneIsolateWithStaleReads, 2: twoAndOnlookers, 5: fewWithOnlookers, 7: outage },
  'durable-object': {
    0: callsThatFail,
    2: channelsBeyondMaximum,
    3: fewInBursts,
    5: forgetfulRoom,
    7: requestsThatDie,
  },
};

/** A crowd on many isolates that read stale values now and then: what one of them forgets, it writes for all to read. */
async function crowdWithStaleReads(seed: number): Promise<readonly string[]> {
  const scenario = Scenario.parse({ seed, people: 400, isolates: 8, staleRead: 0.3, minutes: 3 });
  const { meanErrorPercent, violations } = await simulate(scenario);
  if (meanErrorPercent < 1.8) return violations;
  return [...violations, `the mean error is ${meanErrorPercent} %\n  ${commandOf(scenario)}`];
}

/** People who come and go in minutes, and calls to the room of which a third fails: what was lost must be told again. */
function callsThatFail(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(1, { seed, fail: 0.3 });
}

/** The same with a room that loses its memory at every tenth call: it must have saved most, and hear the rest again. */
function forgetfulRoom(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(2, { seed, restart: 0.1 });
}

/** Isolates with something to send in every second, so that deferred tasks run for as long as the platform lets them. */
async function busyIsolates(seed: number): Promise<readonly string[]> {
  return (await simulate(Scenario.parse({ hub: 'durable-object', seed, people: 1_000, minutes: 1 })))
    .violations;
}

/** Requests that end at a limit of the platform with their calls to the room, in one place where few requests follow. */
async function requestsThatDie(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(4, { seed, die: 0.1, people: 30, isolates: 3 });
}

/** A few people who change their mood in bursts, so that the last request of many comes just after a sync. */
async function fewInBursts(seed: number): Promise<readonly string[]> {
  const few: ScenarioOptions = { people: 4, watchers: 4, isolates: 3, moody: 0.3, burst: 1, minutes: 10 };
  return (await simulate(Scenario.parse({ hub: 'durable-object', ...few, seed }))).violations;
}

/** More channels than the service may have. Two of them are listed. */
const BEYOND_MAXIMUM: ScenarioOptions = {
  hub: 'durable-object',
  people: 16,
  watchers: 4,
  isolates: 4,
  channels: 32,
  channelsListed: 2,
  channelsMax: 5,
  channelSpread: 'even',
  tabs: 0.3,
  hop: 0.2,
  stayMinutes: 2,
  restart: 0.01,
  minutes: 2,
};

/**
 * Visitors open more channels than the service may have, in a room that loses its memory now and then. The room holds the maximum, an
 * empty channel makes place for another one, and a listed channel is never refused.
 */
async function channelsBeyondMaximum(seed: number): Promise<readonly string[]> {
  const scenario = Scenario.parse({ ...BEYOND_MAXIMUM, seed });
  const { violations, mostChannels, openedChannels, refusedHeartbeats } = await simulate(scenario);
  const { channelsMax } = scenario;
  if (mostChannels === channelsMax && openedChannels > 2 * channelsMax && refusedHeartbeats > 0)
    return violations;
  const held = `${openedChannels} channels were open, ${mostChannels} at once`;
  return [
    ...violations,
    `${held}, and ${refusedHeartbeats} heartbeats were refused\n  ${commandOf(scenario)}`,
  ];
}

async function meanErrorBelow(percent: number, faults: ScenarioOptions): Promise<readonly string[]> {
  const crowd: ScenarioOptions = {
    hub: 'durable-object',
    people: 200,
    stayMinutes: 2,
    polite: 1,
    minutes: 3,
  };
  const scenario = Scenario.parse({ ...crowd, ...faults });
  const { meanErrorPercent, violations } = await simulate(scenario);
  if (meanErrorPercent < percent) return violations;
  return [...violations, `the mean error is ${meanErrorPercent} %\n  ${commandOf(scenario)}`];
}

/** A few people whom onlookers see through another isolate: now alone in the world, now not. */
async function fewWithOnlookers(seed: number): Promise<readonly string[]> {
  const few: ScenarioOptions = { people: 4, watchers: 4, isolates: 2, stick: 0.95, moody: 0, minutes: 20 };
  return (await simulate(Scenario.parse({ ...few, seed }))).violations;
}

/** Two sessions, often on one resting isolate. Watchers read them through a second isolate. */
async function twoAndOnlookers(seed: number): Promise<readonly string[]> {
  const two: ScenarioOptions = {
    people: 2,
    watchers: 4,
    isolates: 2,
    stick: 1,
    stayMinutes: 15,
    minutes: 60,
  };
  return (await simulate(Scenario.parse({ ...two, polite: 0, moody: 0, seed }))).violations;
}

/** One isolate that reads its own key late, and sessions that leave: an old copy must not revive them. */
async function oneIsolateWithStaleReads(seed: number): Promise<readonly string[]> {
  const late: ScenarioOptions = { people: 20, isolates: 1, homeMiss: 0.5, staleRead: 0.5 };
  return (await simulate(Scenario.parse({ ...late, polite: 1, stayMinutes: 2, minutes: 5, seed })))
    .violations;
}

/** Five minutes without KV, after which the isolates of a location must agree again. */
async function outage(seed: number): Promise<readonly string[]> {
  const crowd: ScenarioOptions = { people: 20, watchers: 3, isolates: 3, stayMinutes: 0 };
  const away: ScenarioOptions = { minutes: 6, outageMinutes: 5, calmMinutes: 8 };
  return (await simulate(Scenario.parse({ ...crowd, ...away, seed }))).violations;
}
