import type { AccuracyFigures } from './accuracy';
import { AnswerJudge } from './answer-judge';
import { boundsOf } from './bounds';
import { Crowd } from './crowd';
import { Dice } from './dice';
import { HistoryJudge } from './history-judge';
import { Isolates } from './isolates';
import { JudgedService } from './judged-service';
import { Network } from './network';
import { phasesOf } from './phases';
import { planFaults } from './plan-faults';
import { billAMonth, hubDollarsAMonth } from './prices';
import { RequestContexts } from './request-contexts';
import { RoomInvariants } from './room-invariants';
import { isOurs, type Scenario } from './scenario';
import { SimulatedKv } from './simulated-kv';
import { SimulatedRoom } from './simulated-room';
import { type KvRates, type RoomRates, usageOf } from './usage';
import { Violations } from './violations';
import { VirtualTime } from './virtual-time';

const MINUTE = 60_000;
/** A request must take less: twice the wait for a sync, and the network. */
const ANSWERED_WITHIN_MS = 10_000;

export interface SimulationResult extends AccuracyFigures, Rates {
  /** Dollars of KV or the room, at the list price. */
  readonly hubDollarsAMonth: number;
  /** Dollars of the whole bill on the paid plan, with Worker requests and their CPU time. */
  readonly billAMonth: number;
  readonly failedRequests: number;
  /** Heartbeats that the service refused because they would exceed the maximum of channels. */
  readonly refusedHeartbeats: number;
  /** The most channels in the room that counted towards the maximum at once. */
  readonly mostChannels: number;
  /** The number of such channels that the room ever held. */
  readonly openedChannels: number;
  /** The times of a crowd that starts or ends at once: see `Gathering`. */
  readonly shownAfterSeconds: number | undefined;
  readonly goneAfterSeconds: number | undefined;
  /** Each violation of an invariant, with the command that repeats it. */
  readonly violations: readonly string[];
}

/** What the service uses in a second of the busy phase. */
interface Rates {
  readonly requestsPerSecond: number;
  /** Operations a second. `refused` writes came less than 1 s after another one. `quotaErrors` were over a daily limit. */
  readonly kvPerSecond: KvRates & { readonly refused: number; readonly quotaErrors: number };
  /** Calls to the room, and rows that it wrote, a second. */
  readonly roomPerSecond: RoomRates;
}

interface Watching {
  /** Called at every answer of a store. `truth` is the true count. */
  readonly onAnswer?: (minutes: number, count: number, truth: number) => void;
  /** Called at every simulated minute. */
  readonly onMinute?: (minute: number, of: number) => void;
}

/** Runs a scenario from start to end. Each channel has a truth of its own, which decides its accuracy and its invariants. */
export async function simulate(scenario: Scenario, watching: Watching = {}): Promise<SimulationResult> {
  const world = worldOf(scenario, watching);
  const { time, dice, phases, network, hubs, service } = world;
  new Crowd(time, dice.crowd, scenario, phases, (sender, request) => network.send(sender, request)).gather();
  planFaults(time, dice.faults, scenario, phases, hubs);
  let spentBefore = spentIn(world);
  let spentAfter = spentBefore;
  time.at(phases.measuredFrom, () => {
    spentBefore = spentIn(world);
  });
  time.at(phases.busyUntil, () => {
    spentAfter = spentIn(world);
    for (const part of world.faulty) part.heal();
  });
  await runPhases(world, watching);
  if (service.unanswered > 0 && isOurs(scenario))
    world.violations.add(`${service.unanswered} requests have no answer`);
  return resultOf(world, ratesOf(spentBefore, spentAfter, scenario));
}

type World = ReturnType<typeof worldOf>;

/** Builds the parts of a world, before its first event. */
function worldOf(scenario: Scenario, { onAnswer }: Watching) {
  const time = new VirtualTime();
  const dice = diceOf(scenario.seed);
  const phases = phasesOf(scenario, time.now);
  const violations = new Violations(time, scenario);
  const onViolation = violations.add;
  const contexts = new RequestContexts(time, dice.contexts, scenario);
  const judge = new AnswerJudge({ scenario, phases, bounds: boundsOf(scenario), onViolation });
  const roomInvariants = new RoomInvariants(scenario, onViolation);
  const historyJudge = new HistoryJudge(onViolation);
  const kv = new SimulatedKv(time, dice.kv, contexts, scenario);
  const room = new SimulatedRoom(time, dice.room, contexts, scenario, (report, answer, held) => {
    roomInvariants.judge(report, answer, held);
    historyJudge.judge(held, time.now);
  });
  const isolates = new Isolates(time, dice.isolates, kv, room, contexts, scenario);
  const service = new JudgedService({
    scenario,
    time,
    limiterDice: dice.limiter,
    contexts,
    isolates,
    judge,
    roomInvariants,
    onViolation,
    onAnswer: (count, truth) => onAnswer?.((time.now - phases.start) / MINUTE, count, truth),
  });
  const network = new Network(time, dice.network, scenario, service.receive);
  const hubs = [kv, room];
  const faulty = [network, kv, room, isolates, contexts];
  return { time, dice, phases, violations, judge, roomInvariants, kv, room, service, network, hubs, faulty };
}

/** The dice of each part of a world. The order of the forks decides the world of a seed, so a new part must not fork before them. */
function diceOf(seed: number) {
  const dice = new Dice(seed);
  return {
    kv: dice.fork(),
    isolates: dice.fork(),
    network: dice.fork(),
    crowd: dice.fork(),
    faults: dice.fork(),
    room: dice.fork(),
    contexts: new Dice(~seed),
    limiter: new Dice(seed ^ 0x5eed),
  };
}

/** Runs all events of the phases, and then waits for the last answers. */
async function runPhases({ time, phases }: World, { onMinute }: Watching): Promise<void> {
  const { start, goneUntil } = phases;
  const minutes = Math.ceil((goneUntil - start) / MINUTE);
  for (let minute = 1; minute <= minutes; minute += 1) {
    await time.runUntil(Math.min(start + minute * MINUTE, goneUntil));
    onMinute?.(minute, minutes);
  }
  await time.runUntil(goneUntil + ANSWERED_WITHIN_MS);
}

/** Returns the operations of all hubs and the requests until now. */
const spentIn = ({ kv, room, service }: World) => ({
  ...kv.usage,
  ...room.usage,
  requests: service.requests,
});
type Spent = ReturnType<typeof spentIn>;

/** Returns the rates between two times: the start and the end of the busy phase. */
function ratesOf(before: Spent, after: Spent, { minutes }: Scenario): Rates {
  const perSecond = (what: keyof Spent) => (after[what] - before[what]) / Math.max(minutes * 60, 1);
  return {
    requestsPerSecond: perSecond('requests'),
    kvPerSecond: {
      reads: perSecond('get'),
      writes: perSecond('put'),
      lists: perSecond('list'),
      refused: perSecond('refused'),
      quotaErrors: perSecond('quotaErrors'),
    },
    roomPerSecond: { calls: perSecond('calls'), rows: perSecond('rows') },
  };
}

function resultOf({ judge, roomInvariants, service, violations }: World, rates: Rates): SimulationResult {
  const usage = usageOf(rates.requestsPerSecond, rates.kvPerSecond, rates.roomPerSecond);
  return {
    ...judge.accuracy,
    ...rates,
    hubDollarsAMonth: hubDollarsAMonth(usage),
    billAMonth: billAMonth(usage),
    failedRequests: service.failedRequests + service.unanswered,
    refusedHeartbeats: service.refusedHeartbeats,
    mostChannels: roomInvariants.mostChannels,
    openedChannels: roomInvariants.openedChannels.size,
    shownAfterSeconds: judge.gathering.shownAfterSeconds,
    goneAfterSeconds: judge.gathering.goneAfterSeconds,
    violations: violations.list,
  };
}
