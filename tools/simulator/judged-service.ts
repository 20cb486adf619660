import { SYNC_JITTER } from '../../src/limits';
import type { Awaitable } from '../../src/presence/presence-store';
import type { PresenceState } from '../../src/presence/session';
import { sessionKey } from '../../src/presence/session-key';
import type { Defer } from '../../src/presence/sync-loop';
import type { AnswerJudge, ChannelAnswer, Place } from './answer-judge';
import { cappedChannels, DEFAULT_CHANNEL, refusableChannels } from './channels';
import type { Request, Sender } from './crowd';
import type { Dice } from './dice';
import type { Isolates, Store } from './isolates';
import type { RequestContexts } from './request-contexts';
import type { RoomInvariants } from './room-invariants';
import { type Scenario, settingsOf } from './scenario';
import type { VirtualTime } from './virtual-time';

interface ServiceOptions {
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  readonly limiterDice: Dice;
  readonly contexts: RequestContexts;
  readonly isolates: Isolates;
  readonly judge: AnswerJudge;
  readonly roomInvariants: RoomInvariants;
  readonly onViolation: (what: string) => void;
  /** Called with each judged answer and the true count. */
  readonly onAnswer: (count: number, truth: number) => void;
}

/** A request that an isolate serves. */
interface Served<Kind extends Request['kind']> {
  readonly request: Extract<Request, { readonly kind: Kind }>;
  readonly store: Store;
  readonly place: Place;
  readonly defer: Defer;
}

/** Serves the requests of the crowd by the stores of the isolates. The judge knows each request, and judges each answer. */
export class JudgedService {
  requests = 0;
  /** Requests whose store threw an error. */
  failedRequests = 0;
  /** Requests that still wait for their answer. */
  unanswered = 0;
  /** Heartbeats that the room refused because they would exceed the maximum of channels. */
  refusedHeartbeats = 0;
  readonly #options: ServiceOptions;
  readonly #syncMs: number;
  readonly #capped: ReadonlySet<string>;
  readonly #refusable: ReadonlySet<string>;
  /** The number of heartbeats and leaves of each session in each channel. */
  readonly #requestsOf = new Map<string, number>();

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { scenario } = options;
    this.#syncMs = settingsOf(scenario).timing.syncIntervalMs * (1 + SYNC_JITTER);
    this.#capped = new Set(cappedChannels(scenario));
    this.#refusable = refusableChannels(scenario);
  }

  /** Serves a request that arrives. The isolate of its sender may be another one from then on. */
  readonly receive = (sender: Sender, location: number, request: Request): void => {
    const { isolates, contexts, onViolation } = this.#options;
    this.requests += 1;
    this.unanswered += 1;
    const isolate = isolates.route(sender.isolate);
    sender.isolate = isolate;
    contexts
      .run((defer) => this.#serve(isolates.store(location, isolate), { location, isolate }, request, defer))
      .catch((error: unknown) => {
        this.failedRequests += 1;
        onViolation(`a request failed: ${error instanceof Error ? error.stack : error}`);
      })
      .finally(() => {
        this.unanswered -= 1;
      });
  };

  async #serve(store: Store, place: Place, request: Request, defer: Defer): Promise<void> {
    const { judge, time } = this.#options;
    // The time of a write matters only on KV, which has no named channels.
    judge.oracleOf(DEFAULT_CHANNEL).noteRequest(store, this.#syncMs, time.now);
    switch (request.kind) {
      case 'presence':
        return this.#serveChannel({ request, store, place, defer });
      case 'channels':
        return this.#serveChannels({ request, store, place, defer });
      case 'leave':
        return this.#serveLeave({ request, store, place, defer });
      case 'heartbeat':
        return this.#serveHeartbeat({ request, store, place, defer });
    }
  }

  async #serveChannel({ request: { channel }, store, place, defer }: Served<'presence'>): Promise<void> {
    const state = await store.presence(defer, channel);
    this.#answer({ channel, state, place, callerMood: undefined });
  }

  async #serveChannels({ request: { names }, store, place, defer }: Served<'channels'>): Promise<void> {
    const answer = await store.channels?.(names, defer);
    if (answer === undefined) return;
    const { channels, timestamp } = answer;
    const inOrder = (list: readonly string[]) => [...list].sort().join();
    if (inOrder(Object.keys(channels)) !== inOrder(names))
      this.#options.onViolation(`the answer to ${names} has the channels ${Object.keys(channels)}`);
    for (const [channel, counts] of Object.entries(channels))
      this.#answer({ channel, state: { ...counts, timestamp }, place, callerMood: undefined });
  }

  async #serveLeave({ request: { channel, id }, store, defer }: Served<'leave'>): Promise<void> {
    const { judge, time } = this.#options;
    judge.oracleOf(channel).leave(id, time.now);
    this.#nextRequestOf(channel, id);
    return store.leave(sessionKey(channel, id), defer);
  }

  async #serveHeartbeat(served: Served<'heartbeat'>): Promise<void> {
    const { judge, roomInvariants, time, scenario, onViolation } = this.#options;
    const { request, store, place } = served;
    const { channel, id, mood } = request;
    const requestNumber = this.#nextRequestOf(channel, id);
    judge.oracleOf(channel).heartbeat(id, mood, place.location, place.isolate, store, time.now);
    roomInvariants.visit(channel, id);
    if (judge.isExact) time.after(scenario.ttlSeconds * 1000, () => void this.#lookAt(channel, store, place));
    const state = await this.#count(served);
    if (state === 'full' && this.#refusable.has(channel)) {
      this.refusedHeartbeats += 1;
      return;
    }
    if (typeof state === 'string') return onViolation(`a heartbeat in '${channel}' was refused: ${state}`);
    const isLast = this.#requestsOf.get(`${channel} ${id}`) === requestNumber;
    this.#answer({ channel, state, place, callerMood: isLast ? mood : undefined });
  }

  /** A new session waits for its admission. A single isolate counts at once, otherwise the truth differs meanwhile. */
  #count({ request, store, defer }: Served<'heartbeat'>): Awaitable<PresenceState | string> {
    const { channel, id, mood } = request;
    const key = sessionKey(channel, id);
    return this.#options.judge.isExact || store.heartbeat === undefined
      ? store.countHeartbeat(key, mood, defer)
      : store.heartbeat(key, mood, defer, (opens) => this.#isWithinLimit(channel, opens));
  }

  async #isWithinLimit(channel: string, opensChannel: boolean): Promise<boolean> {
    const { contexts, time, limiterDice, scenario, onViolation } = this.#options;
    if (opensChannel && !this.#capped.has(channel))
      onViolation(
        `a session in '${channel}' opens a channel, although it does not count towards the maximum`,
      );
    await contexts.begin(time.sleep(limiterDice.between(0, scenario.limiterMs)));
    return true;
  }

  /** Reads a channel in the millisecond in which a session may expire. */
  async #lookAt(channel: string, store: Store, place: Place): Promise<void> {
    const state = await this.#options.contexts.run(async (defer) => store.presence(defer, channel));
    this.#answer({ channel, state, place, callerMood: undefined });
  }

  /** Counts a request of a session in a channel. Returns its number, from 1 on. */
  #nextRequestOf(channel: string, id: string): number {
    const session = `${channel} ${id}`;
    const number = (this.#requestsOf.get(session) ?? 0) + 1;
    this.#requestsOf.set(session, number);
    return number;
  }

  #answer(answer: ChannelAnswer): void {
    const { judge, time, onAnswer } = this.#options;
    onAnswer(answer.state.count, judge.judge(answer, time.now));
  }
}
