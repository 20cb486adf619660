import type { Mood, PresenceState } from '../../src/presence/session';
import { Accuracy, type AccuracyFigures } from './accuracy';
import { type Bounds, steadyMs } from './bounds';
import { DEFAULT_CHANNEL, refusableChannels } from './channels';
import { Gathering } from './gathering';
import { Invariants } from './invariants';
import { Oracle, peopleIn } from './oracle';
import type { Phases } from './phases';
import { isOurs, type Scenario } from './scenario';

/** The isolate of a location that serves a request. */
export interface Place {
  readonly location: number;
  readonly isolate: number;
}

/** The counts of one channel in an answer. */
export interface ChannelAnswer {
  readonly channel: string;
  readonly state: PresenceState;
  readonly place: Place;
  /** The mood of the answered heartbeat. Undefined if a later request of that session arrived before the answer. */
  readonly callerMood: Mood | undefined;
}

interface JudgeOptions {
  readonly scenario: Scenario;
  readonly phases: Phases;
  readonly bounds: Bounds;
  readonly onViolation: (what: string) => void;
}

/** Measures and judges each answer by the truth of its channel. Each channel has an oracle of its own. */
export class AnswerJudge {
  readonly gathering: Gathering;
  readonly #options: JudgeOptions;
  readonly #accuracy = new Accuracy();
  readonly #invariants: Invariants;
  readonly #oracles = new Map<string, Oracle>();
  readonly #refusable: ReadonlySet<string>;
  readonly #isOurs: boolean;

  constructor(options: JudgeOptions) {
    this.#options = options;
    const { scenario, phases, bounds } = options;
    this.gathering = new Gathering(scenario, phases);
    this.#invariants = new Invariants(scenario, phases, bounds);
    this.#refusable = refusableChannels(scenario);
    this.#isOurs = isOurs(scenario);
  }

  /** Whether each answer must equal the truth. */
  get isExact(): boolean {
    return this.#invariants.isExact;
  }

  get accuracy(): AccuracyFigures {
    return this.#accuracy.figures;
  }

  oracleOf(channel: string): Oracle {
    const known = this.#oracles.get(channel);
    if (known !== undefined) return known;
    const { scenario, bounds } = this.#options;
    const [ttlMs, isKv] = [scenario.ttlSeconds * 1000, scenario.hub === 'kv'];
    const oracle = new Oracle(ttlMs, bounds.awayCountedMs, isKv, steadyMs(scenario));
    this.#oracles.set(channel, oracle);
    return oracle;
  }

  /** Returns the true count. */
  judge({ channel, state, place, callerMood }: ChannelAnswer, now: number): number {
    const { phases, onViolation } = this.#options;
    const oracle = this.oracleOf(channel);
    const truth = oracle.moods(now);
    const trueCount = peopleIn(truth);
    const mayRefuse = this.#refusable.has(channel);
    // The oracle also holds sessions that the room refused, so a count below it is no error.
    if (now > phases.measuredFrom && now <= phases.busyUntil && !mayRefuse)
      this.#accuracy.measure(state.count, trueCount, now, oracle);
    this.gathering.measure(state.count, now);
    if (!this.#isOurs) return trueCount;
    const wrong = this.#invariants.judge({ at: now, ...place, state, truth, oracle, mayRefuse, callerMood });
    if (wrong !== undefined) onViolation(channel === DEFAULT_CHANNEL ? wrong : `in ${channel}: ${wrong}`);
    return trueCount;
  }
}
