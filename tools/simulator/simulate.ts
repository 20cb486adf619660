import { SYNC_JITTER } from '../../src/limits';
import { sessionKey } from '../../src/presence/session-key';
import type { Defer } from '../../src/presence/sync-loop';
import type { AccuracyFigures } from './accuracy';
import { AnswerJudge, type ChannelAnswer, type Place } from './answer-judge';
import { boundsOf, REORDERED_MS } from './bounds';
import { cappedChannels, DEFAULT_CHANNEL, refusableChannels } from './channels';
import { Crowd, type Phases, type Request, type Sender } from './crowd';
import { Dice } from './dice';
import { HistoryJudge } from './history-judge';
import { Isolates, type Store } from './isolates';
import { planFaults } from './plan-faults';
import { billAMonth, hubDollarsAMonth } from './prices';
import { RequestContexts } from './request-contexts';
import { RoomInvariants } from './room-invariants';
import { commandOf, type Scenario, settingsOf } from './scenario';
import { SimulatedKv } from './simulated-kv';
import { SimulatedRoom } from './simulated-room';
import { type KvRates, type RoomRates, usageOf } from './usage';
import { VirtualTime } from './virtual-time';

const MINUTE = 60_000;
/** The measurement starts after this time, when every location shows the first crowd. */
const WARM_UP_MS = 4 * MINUTE;
/** The range of the time that a request takes to arrive (ms). */
const NETWORK_MS = [5, 100] as const;
/** A request must take less: twice the wait for a sync, and the network. */
const ANSWERED_WITHIN_MS = 10_000;
const VIOLATIONS_MAX = 5;

export interface SimulationResult extends AccuracyFigures {
  readonly requestsPerSecond: number;
  /** Operations a second. `refused` writes came less than 1 s after another one. `quotaErrors` were over a daily limit. */
  readonly kvPerSecond: KvRates & { readonly refused: number; readonly quotaErrors: number };
  /** Calls to the room, and rows that it wrote, a second. */
  readonly roomPerSecond: RoomRates;
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

export interface Watching {
  /** Called at every answer of a store. `truth` is the true count. */
  readonly onAnswer?: (minutes: number, count: number, truth: number) => void;
  /** Called at every simulated minute. */
  readonly onMinute?: (minute: number, of: number) => void;
}

/** Runs a scenario from start to end. Each channel has a truth of its own, which decides its accuracy and its invariants. */
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
  const capped = new Set(cappedChannels(scenario));
  const refusable = refusableChannels(scenario);
  const judge = new AnswerJudge({
    scenario,
    phases,
    bounds,
    measuredFrom: start + warmUpMs,
    onViolation: (what) => violated(what),
  });
  const network = dice.fork();
  const crowdDice = dice.fork();
  const faultDice = dice.fork();
  const roomInvariants = new RoomInvariants(scenario, (what) => violated(what));
  const historyJudge = new HistoryJudge((what) => violated(what));
  const room = new SimulatedRoom(time, dice.fork(), contexts, scenario, (report, answer, held) => {
    roomInvariants.judge(report, answer, held);
    historyJudge.judge(held, time.now);
  });
  const limiterDice = new Dice(scenario.seed ^ 0x5eed);
  const isolates = new Isolates(time, isolateDice, kv, room, contexts, scenario);
  let requests = 0;
  const spent = () => ({ ...kv.usage, ...room.usage, requests });
  let spentBefore = spent();
  let spentAfter = spent();
  let failedRequests = 0;
  let refusedHeartbeats = 0;
  const isOurs = scenario.hub === 'kv' || scenario.hub === 'durable-object';
  const syncMs = settingsOf(scenario).timing.syncIntervalMs * (1 + SYNC_JITTER);
  let unanswered = 0;
  let areFaultsOn = true;
  const requestsOf = new Map<string, number>();
  const violations: string[] = [];

  const violated = (what: string) => {
    if (violations.length >= VIOLATIONS_MAX) return;
    const at = ((time.now - start) / 1000).toFixed(3);
    violations.push(`at ${at} s: ${what}\n  ${commandOf(scenario)}`);
  };

  const answered = (answer: ChannelAnswer) => {
    const truth = judge.judge(answer, time.now);
    watching.onAnswer?.((time.now - start) / MINUTE, answer.state.count, truth);
  };

  const isWithinLimit = async (channel: string, opensChannel: boolean) => {
    if (opensChannel && !capped.has(channel))
      violated(`a session in '${channel}' opens a channel, although it does not count towards the maximum`);
    await contexts.begin(time.sleep(limiterDice.between(0, scenario.limiterMs)));
    return true;
  };

  /** Reads a channel in the millisecond in which a session may expire. */
  const lookAt = async (channel: string, store: Store, place: Place) => {
    const state = await contexts.run(async (defer) => store.presence(defer, channel));
    answered({ channel, state, place, callerMood: undefined });
  };

  const serveChannels = async (names: readonly string[], store: Store, place: Place, defer: Defer) => {
    const answer = await store.channels?.(names, defer);
    if (answer === undefined) return;
    const { channels, timestamp } = answer;
    const inOrder = (list: readonly string[]) => [...list].sort().join();
    if (inOrder(Object.keys(channels)) !== inOrder(names))
      violated(`the answer to ${names} has the channels ${Object.keys(channels)}`);
    for (const [channel, counts] of Object.entries(channels))
      answered({ channel, state: { ...counts, timestamp }, place, callerMood: undefined });
  };

  const serve = async (store: Store, place: Place, request: Request, defer: Defer): Promise<void> => {
    // The time of a write matters only on KV, which has no named channels.
    judge.oracleOf(DEFAULT_CHANNEL).noteRequest(store, syncMs, time.now);
    switch (request.kind) {
      case 'presence': {
        const { channel } = request;
        const state = await store.presence(defer, channel);
        return answered({ channel, state, place, callerMood: undefined });
      }
      case 'channels':
        return serveChannels(request.names, store, place, defer);
      case 'leave': {
        const key = sessionKey(request.channel, request.id);
        judge.oracleOf(request.channel).leave(request.id, time.now);
        const session = `${request.channel} ${request.id}`;
        requestsOf.set(session, (requestsOf.get(session) ?? 0) + 1);
        return store.leave(key, defer);
      }
      case 'heartbeat': {
        const { channel, id, mood } = request;
        const key = sessionKey(channel, id);
        const session = `${channel} ${id}`;
        const requestNumber = (requestsOf.get(session) ?? 0) + 1;
        requestsOf.set(session, requestNumber);
        judge.oracleOf(channel).heartbeat(id, mood, place.location, place.isolate, store, time.now);
        roomInvariants.visit(channel, id);
        if (judge.isExact) time.after(ttlMs, () => void lookAt(channel, store, place));
        // A new session waits for its admission. A single isolate counts at once, otherwise the truth differs meanwhile.
        const state =
          judge.isExact || store.heartbeat === undefined
            ? await store.countHeartbeat(key, mood, defer)
            : await store.heartbeat(key, mood, defer, (opens) => isWithinLimit(channel, opens));
        if (state === 'full' && refusable.has(channel)) {
          refusedHeartbeats += 1;
          return;
        }
        if (typeof state === 'string') return violated(`a heartbeat in '${channel}' was refused: ${state}`);
        const callerMood = requestsOf.get(session) === requestNumber ? mood : undefined;
        return answered({ channel, state, place, callerMood });
      }
    }
  };

  const arrive = (sender: Sender, location: number, request: Request) => {
    requests += 1;
    unanswered += 1;
    sender.isolate = isolates.route(sender.isolate);
    const { isolate } = sender;
    contexts
      .run((defer) => serve(isolates.store(location, isolate), { location, isolate }, request, defer))
      .catch((error: unknown) => {
        failedRequests += 1;
        violated(`a request failed: ${error instanceof Error ? error.stack : error}`);
      })
      .finally(() => {
        unanswered -= 1;
      });
  };

  const send = (sender: Sender, request: Request) => {
    const [min, max] = NETWORK_MS;
    const isLost = network.chance(scenario.lose) && areFaultsOn;
    const copies = network.chance(scenario.duplicate) && areFaultsOn ? 2 : 1;
    const { location } = sender;
    for (let copy = 0; copy < (isLost ? 0 : copies); copy += 1) {
      const late = network.chance(scenario.reorder) && areFaultsOn ? network.between(0, REORDERED_MS) : 0;
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
    areFaultsOn = false;
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
  failedRequests += unanswered;
  if (unanswered > 0 && isOurs) violated(`${unanswered} requests have no answer`);

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
    ...judge.accuracy,
    requestsPerSecond,
    kvPerSecond,
    roomPerSecond,
    hubDollarsAMonth: hubDollarsAMonth(usage),
    billAMonth: billAMonth(usage),
    failedRequests,
    refusedHeartbeats,
    mostChannels: roomInvariants.mostChannels,
    openedChannels: roomInvariants.openedChannels.size,
    shownAfterSeconds: judge.gathering.shownAfterSeconds,
    goneAfterSeconds: judge.gathering.goneAfterSeconds,
    violations,
  };
}
