import { MOODS } from '../../src/moods';
import { Dice } from './dice';
import { Isolates } from './isolates';
import { RequestContexts } from './request-contexts';
import { Scenario, type ScenarioOptions } from './scenario';
import { SimulatedKv } from './simulated-kv';
import { SimulatedRoom } from './simulated-room';
import { VirtualTime } from './virtual-time';

const SECOND = 1_000;
/** The two places are any of so many. */
const LOCATIONS = 100;
/** A meeting that takes longer has failed. */
const GIVEN_UP_AFTER_MS = 600 * SECOND;

/**
 * Two people come to two locations, one isolate each. Returns how long after the second one came both have got an answer
 * that counts two, in seconds.
 *
 * @param apartSeconds The second one comes at most so much later.
 */
export async function secondsUntilTwoMeet(
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
  const secondAt = start + dice.between(0, apartSeconds) * SECOND;
  const first = Math.floor(dice.random() * LOCATIONS);
  const places = [first, (first + 1 + Math.floor(dice.random() * (LOCATIONS - 1))) % LOCATIONS];
  const seesTwo = [false, false];
  let metAt: number | undefined;

  const live = async (person: 0 | 1, from: number) => {
    const location = places[person] ?? 0;
    const own = dice.fork();
    const id = own.uuid();
    const mood = own.pick(MOODS);
    await time.sleep(from - start);
    while (metAt === undefined) {
      time.after(own.between(5, 100), () => {
        void contexts.run(async (defer) => {
          const { count } = await isolates.store(location, 0).countHeartbeat(id, mood, defer);
          seesTwo[person] = count === 2;
          if (seesTwo.every(Boolean)) metAt ??= time.now;
        });
      });
      await time.sleep(scenario.beatSeconds * SECOND * own.between(0.9, 1.1));
    }
  };
  void live(0, start);
  void live(1, secondAt);
  while (metAt === undefined && time.now < secondAt + GIVEN_UP_AFTER_MS)
    await time.runUntil(time.now + 10 * SECOND);
  return ((metAt ?? Number.POSITIVE_INFINITY) - secondAt) / SECOND;
}
