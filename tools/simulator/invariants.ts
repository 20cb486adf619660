import { MOODS } from '../../src/moods';
import type { Mood, MoodCounts, PresenceState } from '../../src/presence/session';
import type { Bounds } from './bounds';
import { type Oracle, peopleIn } from './oracle';
import type { Phases } from './phases';
import type { Scenario } from './scenario';

/** The counts of one channel in an answer of a store, with its time and place. */
export interface Answer {
  readonly at: number;
  readonly location: number;
  /** The number of the isolate in that location. */
  readonly isolate: number;
  readonly state: PresenceState;
  /** The true presence at this moment. */
  readonly truth: MoodCounts;
  /** The truth of the channel. */
  readonly oracle: Oracle;
  /** Whether the room may refuse sessions of the channel. Only their own isolate counts refused sessions. */
  readonly mayRefuse: boolean;
  /** The mood of the answered heartbeat. Undefined if a later request of that session arrived before the answer. */
  readonly callerMood: Mood | undefined;
}

/** Judges every answer. Returns a sentence about an answer that is wrong. */
export class Invariants {
  readonly #phases: Phases;
  readonly #bounds: Bounds;
  /** Whether one isolate serves all requests. Then each answer must equal the truth. */
  readonly isExact: boolean;
  /** Whether the hub shows changes within the times that the lease and the grace allow for. */
  readonly #isVisible: boolean;
  /**
   * Sessions that an answer may lack although nothing fails. With many isolates or a slow KV a refresh may be retried until just
   * after the grace. A stale read lacks the last refresh.
   */
  readonly #flicker: { readonly people: number; readonly share: number };
  /** Whether clocks differ. Then an earlier mood of another isolate can look later, and the room sends it at once. */
  readonly #mayMistakeMood: boolean;
  /** Whether every write of an isolate succeeds, and its own location reads it at once. */
  readonly #areEndsWritten: boolean;
  /** Whether nothing fails. Then every change reaches all isolates. */
  readonly #isClean: boolean;

  constructor(scenario: Scenario, phases: Phases, bounds: Bounds) {
    this.#phases = phases;
    this.#bounds = bounds;
    const { locations, isolates, evict, quota } = scenario;
    this.isExact = locations * isolates === 1 && evict === 0;
    const isRoom = scenario.hub === 'durable-object';
    this.#mayMistakeMood = isRoom && scenario.skewMs > 0;
    this.#isVisible =
      isRoom || (scenario.homeMiss === 0 && (locations === 1 || scenario.listCacheSeconds <= 60));
    const { staleRead, slowMs } = scenario;
    const isLate = staleRead > 0 || slowMs > 0;
    this.#flicker = isRoom
      ? { people: 0, share: 0 }
      : { people: isLate ? 2 : isolates > 2 ? 1 : 0, share: staleRead > 0 ? 0.4 : 0 };
    const { fail, hang, corrupt, lose, duplicate, reorder, cutOff, outageMinutes, restart, die } = scenario;
    const faults = [
      evict,
      restart,
      die,
      fail,
      hang,
      corrupt,
      lose,
      duplicate,
      reorder,
      cutOff,
      outageMinutes,
    ];
    this.#isClean = faults.every((rate) => rate === 0) && quota === 'none';
    // An isolate that holds all sessions may write ten ends in a row, and then one in 15 minutes.
    const ends = scenario.stayMinutes === 0 ? 0 : (scenario.people * scenario.minutes) / scenario.stayMinutes;
    this.#areEndsWritten = this.#isClean && scenario.homeMiss === 0 && !isLate && ends <= 8;
  }

  /** Returns what is wrong with an answer, or undefined. */
  judge({ at, location, isolate, state, truth, oracle, mayRefuse, callerMood }: Answer): string | undefined {
    const { moods, count } = state;
    const { settledMs } = this.#bounds;
    // A world has 100,000 answers, so only a wrong one becomes a text.
    const text = () => JSON.stringify(moods);

    if (MOODS.some((mood) => !Number.isInteger(moods[mood]) || moods[mood] < 0))
      return `the moods ${text()} are no counts`;
    if (peopleIn(moods) !== count) return `the moods ${text()} do not add up to ${count}`;
    const callers = this.#mayMistakeMood ? count : callerMood && moods[callerMood];
    if (callerMood !== undefined && callers === 0)
      return `the answer ${text()} lacks its caller, in ${callerMood}`;

    let excess = false;
    let lack = false;
    for (const mood of MOODS) {
      excess ||= moods[mood] > truth[mood];
      lack ||= moods[mood] < truth[mood];
    }
    const isSettled = at > this.#phases.busyUntil + settledMs && at <= this.#phases.calmUntil;
    if (this.isExact && (excess || lack))
      return `the only isolate answers ${text()}, the truth is ${JSON.stringify(truth)}`;
    if (excess) {
      const most = isSettled ? truth : oracle.traces(location, at, this.#bounds);
      if (MOODS.some((mood) => moods[mood] > most[mood]))
        return `${text()} counts an ended session: at most ${JSON.stringify(most)} may count`;
      const people = this.#areEndsWritten ? oracle.mostPeople(location, at, this.#bounds) : count;
      if (count > people)
        return `${text()} counts a session that its writer has ended: at most ${people} may count`;
    }
    if (lack && !mayRefuse && this.#isVisible && (isSettled || this.#isClean)) {
      const least = oracle.settled({ location, isolate }, at, this.#bounds);
      const missing = MOODS.reduce((people, mood) => people + Math.max(least[mood] - moods[mood], 0), 0);
      if (missing > this.#flicker.people + this.#flicker.share * peopleIn(least)) {
        return `${text()} lacks a session: at least ${JSON.stringify(least)} must count`;
      }
    }
    return undefined;
  }
}
