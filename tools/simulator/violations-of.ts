import { mixedScenario } from './mixed-scenario';
import { commandOf, type OurHub, Scenario, type ScenarioOptions } from './scenario';
import { simulate } from './simulate';

/** Minutes in which people start and leave. `npm run simulate -- deep` runs longer worlds. */
const MINUTES = 6;

/** Returns the violations in the mixed world of this seed. About half of the seeds have a special world too. */
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

/** A crowd on eight isolates, with 30 % stale reads. An isolate that forgets a session would write that for all to read. */
async function crowdWithStaleReads(seed: number): Promise<readonly string[]> {
  const scenario = Scenario.parse({ seed, people: 400, isolates: 8, staleRead: 0.3, minutes: 3 });
  const { meanErrorPercent, violations } = await simulate(scenario);
  if (meanErrorPercent < 1.8) return violations;
  return [...violations, `the mean error is ${meanErrorPercent} %\n  ${commandOf(scenario)}`];
}

/** Stays of two minutes, and 30 % of calls to the room fail. Replicas must send lost changes again. */
function callsThatFail(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(1, { seed, fail: 0.3 });
}

/** Stays of two minutes, and 10 % of calls find a restarted room. It must have saved its sessions, and get the others again. */
function forgetfulRoom(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(2, { seed, restart: 0.1 });
}

/** Isolates with changes in every second, so deferred tasks run as long as the platform allows. */
async function busyIsolates(seed: number): Promise<readonly string[]> {
  return (await simulate(Scenario.parse({ hub: 'durable-object', seed, people: 1_000, minutes: 1 })))
    .violations;
}

/** 10 % of calls to the room end with their request, as at a CPU limit. Each isolate has few requests. */
async function requestsThatDie(seed: number): Promise<readonly string[]> {
  return meanErrorBelow(4, { seed, die: 0.1, people: 30, isolates: 3 });
}

/** Four people change their mood in bursts, so many a last request arrives just after a sync. */
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
 * Visitors open more channels than the service may have, and 1 % of calls find a restarted room. The room holds the maximum. An
 * empty channel makes room for another one. A listed channel is never refused.
 */
async function channelsBeyondMaximum(seed: number): Promise<readonly string[]> {
  const scenario = Scenario.parse({ ...BEYOND_MAXIMUM, seed });
  const { violations, mostChannels, openedChannels, refusedHeartbeats } = await simulate(scenario);
  const { channelsMax } = scenario;
  if (mostChannels === channelsMax && openedChannels > 2 * channelsMax && refusedHeartbeats > 0)
    return violations;
  const opened = `${openedChannels} channels opened, at most ${mostChannels} at once`;
  return [
    ...violations,
    `${opened}, and ${refusedHeartbeats} heartbeats were refused\n  ${commandOf(scenario)}`,
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

/** Four people on two isolates, often on one. Watchers read the other isolate. */
async function fewWithOnlookers(seed: number): Promise<readonly string[]> {
  const few: ScenarioOptions = { people: 4, watchers: 4, isolates: 2, stick: 0.95, moody: 0, minutes: 20 };
  return (await simulate(Scenario.parse({ ...few, seed }))).violations;
}

/** Two sessions, often on one isolate that writes seldom. Watchers read the other isolate. */
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

/** One isolate reads old values of its own key, and sessions leave. An old value must not revive them. */
async function oneIsolateWithStaleReads(seed: number): Promise<readonly string[]> {
  const late: ScenarioOptions = { people: 20, isolates: 1, homeMiss: 0.5, staleRead: 0.5 };
  return (await simulate(Scenario.parse({ ...late, polite: 1, stayMinutes: 2, minutes: 5, seed })))
    .violations;
}

/** KV fails for five minutes. After that the isolates of a location must agree again. */
async function outage(seed: number): Promise<readonly string[]> {
  const crowd: ScenarioOptions = { people: 20, watchers: 3, isolates: 3, stayMinutes: 0 };
  const away: ScenarioOptions = { minutes: 6, outageMinutes: 5, calmMinutes: 8 };
  return (await simulate(Scenario.parse({ ...crowd, ...away, seed }))).violations;
}
