import type { Usage } from '../prices';
import { runAll } from '../run-all';
import { OUR_HUBS, type OurHub, Scenario } from '../scenario';
import { httpRequestsPerSecond, socketsUsage, usageOf } from '../usage';

export interface Crowd {
  readonly people: number;
  readonly locations: number;
  /** Isolates in each location. */
  readonly isolates: number;
  /** Time between two heartbeats of a person. */
  readonly beatSeconds: number;
  readonly stayMinutes: number;
}

export interface ByHttp {
  readonly usage: Usage;
  readonly meanErrorPercent: number;
}

/** What a crowd around the clock uses in a day, for each of three ways to serve it. */
export interface Ways {
  readonly kv: ByHttp;
  readonly room: ByHttp;
  readonly sockets: Usage;
  /** The usage of live sockets if the platform bills the pings that it answers. */
  readonly socketsWithPings: Usage;
}

/** Simulates the use of the hubs, and computes requests and live sockets. */
export async function waysOf(
  crowds: readonly Crowd[],
  onProgress: (done: number, of: number) => void,
): Promise<readonly Ways[]> {
  const scenarios = OUR_HUBS.flatMap((hub) => crowds.map((crowd) => scenarioOf(crowd, hub)));
  const results = await runAll(scenarios, (_result, done) => onProgress(done, scenarios.length));
  return crowds.map(({ people, stayMinutes, beatSeconds }, index) => {
    // A simulated crowd is by chance larger or smaller than its average, so its requests are computed.
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

/** A small crowd runs for a day, because its usage varies with each start and end. A large crowd takes too long for that. */
export function scenarioOf({ beatSeconds, ...crowd }: Crowd, hub: OurHub): Scenario {
  const { people } = crowd;
  const minutes = people <= 20 ? 1_440 : people <= 1_000 ? 20 : people <= 3_000 ? 5 : 1;
  return Scenario.parse({ ...crowd, hub, beatSeconds, ttlSeconds: Math.max(3 * beatSeconds, 2), minutes });
}
