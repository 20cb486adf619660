import type { Usage } from '../prices';
import { runAll } from '../run-all';
import { OUR_HUBS, type OurHub, Scenario } from '../scenario';
import { httpRequestsPerSecond, socketsUsage, usageOf } from '../usage';

export interface Crowd {
  readonly people: number;
  readonly locations: number;
  /** Isolates a location. */
  readonly isolates: number;
  /** Time between two heartbeats of a person. */
  readonly beatSeconds: number;
  readonly stayMinutes: number;
}

export interface ByHttp {
  readonly usage: Usage;
  readonly meanErrorPercent: number;
}

/** What a crowd around the clock uses in a day, each of the three ways to serve it. */
export interface Ways {
  readonly kv: ByHttp;
  readonly room: ByHttp;
  readonly sockets: Usage;
  /** The same if the platform should bill the pings that it answers. */
  readonly socketsWithPings: Usage;
}

/** Simulates what the hubs of the crowds use, and counts the rest. */
export async function waysOf(
  crowds: readonly Crowd[],
  onProgress: (done: number, of: number) => void,
): Promise<readonly Ways[]> {
  const scenarios = OUR_HUBS.flatMap((hub) => crowds.map((crowd) => scenarioOf(crowd, hub)));
  const results = await runAll(scenarios, (_result, done) => onProgress(done, scenarios.length));
  return crowds.map(({ people, stayMinutes, beatSeconds }, index) => {
    // A simulated crowd is by chance somewhat larger or smaller than it should be on average.
    const requests = httpRequestsPerSecond(people, beatSeconds, stayMinutes);
    const byHttp = (at: number): ByHttp => {
      const result = results[at];
      if (result === undefined) throw new Error('There is a result for each scenario, in the same order.');
      const { kvPerSecond, roomPerSecond, meanErrorPercent } = result;
      return { usage: usageOf(requests, kvPerSecond, roomPerSecond), meanErrorPercent };
    };
    return {
      kv: byHttp(index),
      room: byHttp(index + crowds.length),
      sockets: socketsUsage(people, stayMinutes),
      socketsWithPings: socketsUsage(people, stayMinutes, beatSeconds),
    };
  });
}

/** What small crowds use changes with who comes and goes, and they take little time; large ones take long. */
export function scenarioOf({ beatSeconds, ...crowd }: Crowd, hub: OurHub): Scenario {
  const { people } = crowd;
  const minutes = people <= 20 ? 1_440 : people <= 1_000 ? 20 : people <= 3_000 ? 5 : 1;
  return Scenario.parse({ ...crowd, hub, beatSeconds, ttlSeconds: Math.max(3 * beatSeconds, 2), minutes });
}
