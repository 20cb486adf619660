import { boundsOf } from './bounds';
import { Dice } from './dice';
import { type OurHub, Scenario, type ScenarioOptions } from './scenario';

const USUAL_TTL_SECONDS = 10;
/** A fault shows within this time. */
const MINUTES_MIN = 3;
const SKIPPED_DRAWS = 4;

/** Draws settings at the edges of what the service accepts. A client sends three heartbeats in a TTL. */
function edgeSettings(dice: Dice, hub: OurHub): ScenarioOptions {
  const ttlSeconds = dice.pick([2, 3, 4, 10, 30, 120, 600]);
  // 0 stands for the hub's own interval.
  const intervalSeconds = dice.pick([0, 1, 2, 5, 7, 10, 60]);
  const isAccepted = hub === 'kv' || intervalSeconds <= Math.max(ttlSeconds / 3, 1);
  return {
    ttlSeconds,
    beatSeconds: Math.round((ttlSeconds / 3) * 1000) / 1000,
    ...(isAccepted && intervalSeconds > 0 ? { intervalSeconds } : {}),
  };
}

/**
 * Draws 1 to 30 named channels for half of the worlds with the room. None, one or half of them are listed. In a third of these worlds
 * they exceed the maximum. The dice are separate, otherwise the worlds without channels change.
 */
function channelsOf(seed: number, hub: OurHub): ScenarioOptions {
  const dice = new Dice(seed ^ 0xc4a);
  // The first numbers of the generator hardly differ between small seeds.
  for (let draw = 0; draw < SKIPPED_DRAWS; draw += 1) dice.random();
  if (hub !== 'durable-object' || dice.chance(0.5)) return {};
  const channels = dice.pick([1, 2, 3, 3, 10, 30]);
  const channelsListed = dice.pick([0, 1, Math.floor(channels / 2)]);
  const isBeyondMax = dice.chance(1 / 3) && channels > 1;
  const capped = channels - channelsListed;
  return {
    channels,
    channelsListed,
    ...(isBeyondMax && { channelsMax: Math.max(Math.floor(capped / 2), 1) }),
    channelSpread: dice.pick(['zipf', 'zipf', 'even']),
    hop: dice.pick([0, 0.02, 0.2]),
    // Elsewhere a second tab is a fault. Here it puts one session into two channels.
    ...(dice.chance(0.5) && { tabs: 0.5 }),
  };
}

/**
 * Draws a scenario from a seed: any crowd with any faults for `minutes`, a calm phase, and an empty one.
 * A short TTL has more heartbeats in a minute, so such a world has fewer minutes. Most crowds are small, because there one wrong
 * session shows.
 */
export function mixedScenario(seed: number, minutes: number, hub: OurHub): Scenario {
  const dice = new Dice(seed).fork();
  // In half of the worlds nothing fails. In the others each fault has a chance of one in three.
  const isFaulty = dice.chance(0.5);
  const fault = (...rates: readonly number[]) => (dice.chance(1 / 3) && isFaulty ? dice.pick(rates) : 0);
  const locations = dice.pick([1, 1, 1, 2, 3, 6]);
  const isSlow = dice.chance(0.1);
  const edges = new Dice(~seed);
  const atEdge = edges.chance(0.25);
  const limiterMs = edges.pick([0, 0, 50, 1_000]);
  const outageMinutes = fault(1, 4.5, 4.5);
  const settings = atEdge ? edgeSettings(edges, hub) : {};
  const { ttlSeconds = USUAL_TTL_SECONDS } = settings;
  const share = Math.min(Number(ttlSeconds) / USUAL_TTL_SECONDS, 1);
  const length = Math.max(Math.ceil(share * minutes), Math.min(minutes, MINUTES_MIN));
  const scenario = Scenario.parse({
    seed,
    hub,
    minutes: length,
    people: dice.pick([1, 2, 2, 3, 3, 4, 4, 6, 6, 10, 20, 60, 60, 120]),
    watchers: dice.pick([1, locations, 3 * locations]),
    locations,
    isolates: dice.pick([1, 1, 2, 2, 3, 5]),
    stick: dice.pick([1, 0.9, 0.5, 0]),
    gatherSeconds: dice.pick([0, 0, 30]),
    ...(isSlow ? { ttlSeconds: 180, beatSeconds: 60 } : {}),
    ...settings,
    stayMinutes: dice.pick([1, 5, 30]),
    polite: dice.pick([0, 0.7, 1]),
    moody: dice.pick([0, 0.01, 0.2]),
    burst: dice.pick([0, 0.5]),
    move: fault(0.005, 0.05),
    tabs: fault(0.1, 0.5),
    listCacheSeconds: dice.pick([60, 60, 120]),
    homeMiss: fault(0.2),
    staleRead: dice.pick([0, 0, 0, 0, 0.2]),
    // A call must be much shorter than a TTL.
    slowMs: dice.pick([0, 0, 0, 0, atEdge ? 100 : 600]),
    fail: fault(0.01, 0.1, 0.5),
    hang: fault(0.001, 0.05),
    corrupt: fault(0.01, 0.1),
    evict: fault(0.001, 0.05),
    restart: hub === 'durable-object' ? fault(0.001, 0.02) : 0,
    lose: fault(0.01, 0.1),
    duplicate: fault(0.01, 0.1),
    reorder: fault(0.01, 0.1),
    // The room expires sessions by the replicas' clocks, so no clock may differ by a large part of a TTL.
    skewMs: atEdge ? 0 : fault(100, 2_000),
    cutOff: fault(0.1),
    die: fault(0.001, 0.05),
    limiterMs,
    outageMinutes: Math.min(outageMinutes, length),
    ...channelsOf(seed, hub),
  } satisfies ScenarioOptions);
  const { settledMs, awayCountedMs } = boundsOf(scenario);
  const minutesAfter = (ms: number) => Math.ceil(ms / 60_000) + 1;
  return { ...scenario, calmMinutes: minutesAfter(settledMs) + 4, goneMinutes: minutesAfter(awayCountedMs) };
}
