import { SYNC_JITTER } from '../../src/limits';
import type { Mood, PresenceState } from '../../src/presence/session';
import type { Defer } from '../../src/presence/sync-loop';
import { Accuracy, type AccuracyFigures } from './accuracy';
import { boundsOf, REORDERED_MS } from './bounds';
import { Crowd, type Phases, type Request, type Sender } from './crowd';
import { Dice } from './dice';
import { Gathering } from './gathering';
import { Invariants } from './invariants';
import { Isolates, type Store } from './isolates';
import { Oracle, peopleIn } from './oracle';
import { billAMonth, hubDollarsAMonth } from './prices';
import { RequestContexts } from './request-contexts';
import { commandOf, type Scenario, settingsOf } from './scenario';
import { SimulatedKv } from './simulated-kv';
import { SimulatedRoom } from './simulated-room';
import { type KvRates, type RoomRates, usageOf } from './usage';
import { VirtualTime } from './virtual-time';

const MINUTE = 60_000;
/** What is measured begins when the first crowd has been seen by all. */
const WARM_UP_MS = 4 * MINUTE;
/** A request takes so long to arrive, from and to (ms). */
const NETWORK_MS = [5, 100] as const;
/** Longer than a request may take: twice the wait for a sync, and its way. */
const ANSWERED_WITHIN_MS = 10_000;
const VIOLATIONS_MAX = 5;

export interface SimulationResult extends AccuracyFigures {
  readonly requestsPerSecond: number;
  /** Operations a second. Not among them: writes too soon after another, and what was over a daily limit. */
  readonly kvPerSecond: KvRates & { readonly refused: number; readonly quotaErrors: number };
  /** Calls to the room and rows it wrote, a second. */
  readonly roomPerSecond: RoomRates;
  /** For KV or the room at the list price; and the whole bill on the paid plan, Worker requests and their CPU time too. */
  readonly hubDollarsAMonth: number;
  readonly billAMonth: number;
  readonly failedRequests: number;
  /** For a crowd that gathers or falls silent; see `Gathering`. */
  readonly shownAfterSeconds: number | undefined;
  readonly goneAfterSeconds: number | undefined;
  /** What was wrong, each with the command that replays it. */
  readonly violations: readonly string[];
}

export interface Watching {
  /** At every answer of a store; `truth` is the true count. */
  readonly onAnswer?: (minutes: number, count: number, truth: number) => void;
  /** At every simulated minute. */
  readonly onMinute?: (minute: number, of: number) => void;
}

/** Runs a scenario from start to end. */
export async function simulate(scenario: Scenario, watching: Watching = {}): Promise<SimulationResult> {
  const dice = new Dice(scenario.seed);
  const time = new VirtualTime();
  const ttlMs = scenario.ttlSeconds * 1000;
  const start = time.now;
  const warmUpMs = scenario.gatherSeconds === 0 ? WARM_UP_MS : 0;
  const busyUntil = start + warmUpMs + scenario.minutes * MINUTE;
  const calmUntil = busyUntil + scenario.calmMinutes * MINUTE;
  const phases: Phases = {
    start,
    busyUntil,
    calmUntil,
    goneUntil: calmUntil + scenario.goneMinutes * MINUTE,
  };

  const contexts = new RequestContexts(time, new Dice(~scenario.seed), scenario);
  const kv = new SimulatedKv(time, dice.fork(), contexts, scenario);
  const isolateDice = dice.fork();
  const bounds = boundsOf(scenario);
  const oracle = new Oracle(ttlMs, bounds.awayGhostMs, scenario.hub === 'kv');
  const accuracy = new Accuracy(oracle);
  const gathering = new Gathering(scenario, phases);
  const invariants = new Invariants(oracle, scenario, phases, bounds);
  const network = dice.fork();
  const crowdDice = dice.fork();
  const faultDice = dice.fork();
  const room = new SimulatedRoom(time, dice.fork(), contexts, scenario);
  const limiterDice = new Dice(scenario.seed ^ 0x5eed);
  const isolates = new Isolates(time, isolateDice, kv, room, contexts, scenario);
  let requests = 0;
  const spent = () => ({ ...kv.usage, ...room.usage, requests });
  let spentBefore = spent();
  let spentAfter = spent();
  let failedRequests = 0;
  const isOurs = scenario.hub === 'kv' || scenario.hub === 'durable-object';
  const syncMs = settingsOf(scenario).timing.syncIntervalMs * (1 + SYNC_JITTER);
  let underWay = 0;
  let faulty = true;
  const heardOf = new Map<string, number>();
  const violations: string[] = [];

  const violated = (what: string) => {
    if (violations.length >= VIOLATIONS_MAX) return;
    const at = ((time.now - start) / 1000).toFixed(3);
    violations.push(`at ${at} s: ${what}\n  ${commandOf(scenario)}`);
  };

  const answered = (
    state: PresenceState,
    location: number,
    isolate: number,
    callerMood: Mood | undefined,
  ) => {
    const truth = oracle.moods(time.now);
    const here = peopleIn(truth);
    if (time.now > start + warmUpMs && time.now <= busyUntil) accuracy.measure(state.count, here, time.now);
    gathering.measure(state.count, time.now);
    watching.onAnswer?.((time.now - start) / MINUTE, state.count, here);
    if (!isOurs) return;
    const wrong = invariants.judge({ at: time.now, location, isolate, state, truth, callerMood });
    if (wrong !== undefined) violated(wrong);
  };

  const isWithinLimit = async () => {
    await contexts.begin(time.sleep(limiterDice.between(0, scenario.limiterMs)));
    return true;
  };

  /** Somebody who asks at the very moment at which a session may end. */
  const lookAt = async (store: Store, location: number, isolate: number) =>
    answered(await contexts.run((defer) => store.presence(defer)), location, isolate, undefined);

  const serve = async (
    store: Store,
    location: number,
    isolate: number,
    request: Request,
    defer: Defer,
  ): Promise<void> => {
    oracle.serves(store, syncMs, time.now);
    switch (request.kind) {
      case 'presence':
        return answered(await store.presence(defer), location, isolate, undefined);
      case 'leave':
        oracle.leave(request.id, time.now);
        heardOf.set(request.id, (heardOf.get(request.id) ?? 0) + 1);
        return store.leave(request.id, defer);
      case 'heartbeat': {
        const { id, mood } = request;
        const heard = (heardOf.get(id) ?? 0) + 1;
        heardOf.set(id, heard);
        oracle.heartbeat(id, mood, location, isolate, store, time.now);
        if (invariants.isExact) time.after(ttlMs, () => void lookAt(store, location, isolate));
        // One isolate is exact as of when a heartbeat counts, and a new session waits for its admission.
        const state =
          invariants.isExact || store.heartbeat === undefined
            ? await store.countHeartbeat(id, mood, defer)
            : await store.heartbeat(id, mood, defer, isWithinLimit);
        if (typeof state === 'string') return violated(`a heartbeat was refused: ${state}`);
        return answered(state, location, isolate, heardOf.get(id) === heard ? mood : undefined);
      }
    }
  };

  const arrive = (sender: Sender, location: number, request: Request) => {
    requests += 1;
    underWay += 1;
    sender.isolate = isolates.route(sender.isolate);
    const { isolate } = sender;
    contexts
      .run((defer) => serve(isolates.store(location, isolate), location, isolate, request, defer))
      .catch((error: unknown) => {
        failedRequests += 1;
        violated(`a request failed: ${error instanceof Error ? error.stack : error}`);
      })
      .finally(() => {
        underWay -= 1;
      });
  };

  const send = (sender: Sender, request: Request) => {
    const [min, max] = NETWORK_MS;
    const lost = network.chance(scenario.lose) && faulty;
    const copies = network.chance(scenario.duplicate) && faulty ? 2 : 1;
    const { location } = sender;
    for (let copy = 0; copy < (lost ? 0 : copies); copy += 1) {
      const late = network.chance(scenario.reorder) && faulty ? network.between(0, REORDERED_MS) : 0;
      time.after(network.between(min, max) + late, () => arrive(sender, location, request));
    }
  };

  new Crowd(time, crowdDice, scenario, phases, send).gather();
  planFaults(time, faultDice, scenario, phases, [kv, room]);
  time.at(start + warmUpMs, () => {
    spentBefore = spent();
  });
  time.at(busyUntil, () => {
    spentAfter = spent();
    faulty = false;
    kv.heal();
    room.heal();
    isolates.heal();
    contexts.heal();
  });

  const minutes = Math.ceil((phases.goneUntil - start) / MINUTE);
  for (let minute = 1; minute <= minutes; minute += 1) {
    await time.runUntil(Math.min(start + minute * MINUTE, phases.goneUntil));
    watching.onMinute?.(minute, minutes);
  }

  await time.runUntil(phases.goneUntil + ANSWERED_WITHIN_MS);
  failedRequests += underWay;
  if (underWay > 0 && isOurs) violated(`${underWay} requests were never answered`);

  const perSecond = (what: keyof typeof spentBefore) =>
    (spentAfter[what] - spentBefore[what]) / Math.max(scenario.minutes * 60, 1);
  const kvPerSecond = {
    reads: perSecond('get'),
    writes: perSecond('put'),
    lists: perSecond('list'),
    refused: perSecond('refused'),
    quotaErrors: perSecond('quotaErrors'),
  };
  const roomPerSecond = { calls: perSecond('calls'), rows: perSecond('rows') };
  const requestsPerSecond = perSecond('requests');
  const usage = usageOf(requestsPerSecond, kvPerSecond, roomPerSecond);
  return {
    ...accuracy.figures,
    requestsPerSecond,
    kvPerSecond,
    roomPerSecond,
    hubDollarsAMonth: hubDollarsAMonth(usage),
    billAMonth: billAMonth(usage),
    failedRequests,
    shownAfterSeconds: gathering.shownAfterSeconds,
    goneAfterSeconds: gathering.goneAfterSeconds,
    violations,
  };
}

/** Locations that are cut off now and then, and one outage for all before calm comes. */
function planFaults(
  time: VirtualTime,
  dice: Dice,
  scenario: Scenario,
  phases: Phases,
  hubs: readonly (SimulatedKv | SimulatedRoom)[],
): void {
  const { cutOff, outageMinutes, locations } = scenario;
  for (let at = phases.start + MINUTE; at < phases.busyUntil; at += MINUTE) {
    for (let location = 0; location < locations; location += 1) {
      if (!dice.chance(cutOff)) continue;
      const until = at + dice.between(1, 4) * MINUTE;
      for (const hub of hubs) time.at(at, () => hub.reach.cutOff(location, until));
    }
  }
  if (outageMinutes === 0) return;
  for (const hub of hubs)
    time.at(phases.busyUntil - outageMinutes * MINUTE, () => hub.reach.awayUntil(phases.busyUntil));
}
