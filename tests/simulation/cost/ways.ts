import type { Usage } from '../prices';
import { runAll } from '../run-all';
import { OUR_HUBS, Scenario } from '../scenario';
import type { SimulationResult } from '../simulate';
import { socketsUsage } from '../usage';

export interface Crowd {
  readonly people: number;
  readonly locations: number;
  /** Isolates a location. */
  readonly isolates: number;
  /** Time between two heartbeats of a person. */
  readonly beatSeconds: number;
  readonly stayMinutes: number;
}

type Simulated = Pick<SimulationResult, 'usage' | 'meanErrorPercent' | 'billAMonth' | 'hubDollarsAMonth'>;

/** What a crowd around the clock uses in a day, each of the three ways to serve it. */
export interface Ways {
  readonly kv: Simulated;
  readonly room: Simulated;
  readonly sockets: Usage;
  /** The same if the platform should bill the pings that it answers. */
  readonly socketsWithPings: Usage;
}

/** Simulates the crowds by HTTP, and counts what live sockets use. */
export async function waysOf(
  crowds: readonly Crowd[],
  onProgress: (done: number, of: number) => void,
): Promise<readonly Ways[]> {
  const scenarios = OUR_HUBS.flatMap((hub) => crowds.map((crowd) => scenarioOf(crowd, hub)));
  const results = await runAll(scenarios, (_result, done) => onProgress(done, scenarios.length));
  return crowds.map(({ people, stayMinutes, beatSeconds }, index) => {
    // There is a result for each scenario, in the same order.
    const [kv, room] = [results[index], results[index + crowds.length]] as [
      SimulationResult,
      SimulationResult,
    ];
    return {
      kv,
      room,
      sockets: socketsUsage(people, stayMinutes),
      socketsWithPings: socketsUsage(people, stayMinutes, beatSeconds),
    };
  });
}

/** Small crowds change their use by the minute, large ones hardly, and those take long. */
function scenarioOf({ beatSeconds, ...crowd }: Crowd, hub: (typeof OUR_HUBS)[number]): Scenario {
  const minutes = crowd.people <= 1_000 ? 20 : crowd.people <= 3_000 ? 5 : 1;
  return Scenario.parse({ ...crowd, hub, beatSeconds, ttlSeconds: Math.max(3 * beatSeconds, 2), minutes });
}
