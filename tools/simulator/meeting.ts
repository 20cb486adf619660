import { MOODS } from '../../src/moods';
import { Dice } from './dice';
import { Isolates } from './isolates';
import { RequestContexts } from './request-contexts';
import { Scenario, type ScenarioOptions } from './scenario';
import { SimulatedKv } from './simulated-kv';
import { SimulatedRoom } from './simulated-room';
import { VirtualTime } from './virtual-time';

/** The two locations are drawn from this number, because their names decide the keys that they use. */
const LOCATIONS = 100;
const STEP_MS = 10_000;
const GIVEN_UP_AFTER_MS = 600_000;

/**
 * Two people start a session in two locations, with one isolate each. Returns the seconds from the second start until the last
 * answers of both count two. Returns Infinity after ten minutes.
 *
 * @param apartSeconds The second session starts at most this much later, evenly spread.
 */
async function secondsUntilMet(
  seed: number,
  apartSeconds: number,
  options: ScenarioOptions = {},
): Promise<number> {
  const scenario = Scenario.parse({ ...options, seed, people: 2, locations: LOCATIONS, isolates: 1 });
  const dice = new Dice(seed);
  const time = new VirtualTime();
  const contexts = new RequestContexts(time, dice.fork(), scenario);
  const kv = new SimulatedKv(time, dice.fork(), contexts, scenario);
  const room = new SimulatedRoom(time, dice.fork(), contexts, scenario);
  const isolates = new Isolates(time, dice.fork(), kv, room, contexts, scenario);
  const start = time.now;
  const secondAt = start + dice.between(0, apartSeconds) * 1000;
  const location = Math.floor(dice.random() * LOCATIONS);
  const otherLocation = (location + 1 + Math.floor(dice.random() * (LOCATIONS - 1))) % LOCATIONS;
  const countsTwo = new Set<number>();
  let metAt = Number.POSITIVE_INFINITY;

  const visit = async (where: number, startsAt: number) => {
    const own = dice.fork();
    const id = own.uuid();
    const mood = own.pick(MOODS);
    await time.sleep(startsAt - start);
    while (metAt === Number.POSITIVE_INFINITY) {
      void contexts.run(async (defer) => {
        const { count } = await isolates.store(where, 0).countHeartbeat(id, mood, defer);
        if (count === 2) countsTwo.add(where);
        else countsTwo.delete(where);
        if (countsTwo.size === 2) metAt = Math.min(metAt, time.now);
      });
      await time.sleep(scenario.beatSeconds * 1000 * own.between(0.9, 1.1));
    }
  };
  void visit(location, start);
  void visit(otherLocation, secondAt);
  while (metAt === Number.POSITIVE_INFINITY && time.now < secondAt + GIVEN_UP_AFTER_MS)
    await time.runUntil(time.now + STEP_MS);
  return (metAt - secondAt) / 1000;
}

interface MeetingFigures {
  readonly medianSeconds: number;
  readonly p90Seconds: number;
  readonly worstSeconds: number;
}

/** Returns the figures of this number of worlds, with the seeds from `from` on. */
export async function meetings(
  worlds: number,
  apartSeconds: number,
  options: ScenarioOptions = {},
  from = 1,
): Promise<MeetingFigures> {
  const seconds: number[] = [];
  for (let seed = from; seed < from + worlds; seed += 1)
    seconds.push(await secondsUntilMet(seed, apartSeconds, options));
  seconds.sort((a, b) => a - b);
  const at = (share: number) => seconds[Math.floor((seconds.length - 1) * share)] ?? Number.NaN;
  return { medianSeconds: at(0.5), p90Seconds: at(0.9), worstSeconds: at(1) };
}
