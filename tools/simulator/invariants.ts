import { MOODS } from '../../src/moods';
import type { Mood, MoodCounts, PresenceState } from '../../src/presence/session';
import type { Bounds } from './bounds';
import type { Phases } from './crowd';
import { type Oracle, peopleIn } from './oracle';
import type { Scenario } from './scenario';

/** The counts of one channel in an answer of a store, and where and when the store gave it. */
export interface Answer {
  readonly at: number;
  readonly location: number;
  /** The isolate of that location which answered. */
  readonly isolate: number;
  readonly state: PresenceState;
  /** The true presence at this moment. */
  readonly truth: MoodCounts;
  /** The truth of the channel. */
  readonly oracle: Oracle;
  /** The room may have refused sessions of the channel. Then only their own isolate counts them. */
  readonly mayRefuse: boolean;
  /** The mood of the heartbeat that was answered, unless something else was heard of that session meanwhile. */
  readonly callerMood: Mood | undefined;
}

/** Judges every answer. What it finds wrong is told as a sentence. */
export class Invariants {
  readonly #phases: Phases;
  readonly #bounds: Bounds;
  /** One isolate that is never replaced has nobody to differ from. */
  readonly isExact: boolean;
  /** The hub is as slow to show things as the lease and the grace allow for, and no slower. */
  readonly #isVisible: boolean;
  /**
   * What may be missing for a moment, although nothing fails: with many isolates or a slow KV a refresh may wait for
   * retries until the grace is just over, and a stale read knows of no refresh since.
   */
  readonly #flicker: { readonly people: number; readonly share: number };
  /** A clock that is ahead may make the mood that another isolate heard just before seem the later one; the room tells of it at once. */
  readonly #mayMistakeMood: boolean;
  /** An isolate's writes get through, and its own location reads them at once. */
  readonly #areEndsWritten: boolean;
  /** Nothing keeps news from travelling. */
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
    // A resting isolate keeps ten early writes, and earns few.
    const ends = scenario.stayMinutes === 0 ? 0 : (scenario.people * scenario.minutes) / scenario.stayMinutes;
    this.#areEndsWritten = this.#isClean && scenario.homeMiss === 0 && !isLate && ends <= 8;
  }

  /** What is wrong with an answer, if anything is. */
  judge({ at, location, isolate, state, truth, oracle, mayRefuse, callerMood }: Answer): string | undefined {
    const { moods, count } = state;
    const { settledMs } = this.#bounds;
    // Written only where it is needed: a world has 100,000 answers.
    const told = () => JSON.stringify(moods);

    if (MOODS.some((mood) => !Number.isInteger(moods[mood]) || moods[mood] < 0))
      return `no number of people: ${told()}`;
    if (peopleIn(moods) !== count) return `the moods ${told()} do not add up to ${count}`;
    const callers = this.#mayMistakeMood ? count : callerMood && moods[callerMood];
    if (callerMood !== undefined && callers === 0) return `the caller, in ${callerMood}, is not in ${told()}`;

    let excess = false;
    let lack = false;
    for (const mood of MOODS) {
      excess ||= moods[mood] > truth[mood];
      lack ||= moods[mood] < truth[mood];
    }
    const isSettled = at > this.#phases.busyUntil + settledMs && at <= this.#phases.calmUntil;
    if (this.isExact && (excess || lack))
      return `one isolate says ${told()}, the truth is ${JSON.stringify(truth)}`;
    if (excess) {
      const most = isSettled ? truth : oracle.traces(location, at, this.#bounds);
      const ghost = MOODS.some((mood) => moods[mood] > most[mood]);
      if (ghost) return `${told()} counts a ghost: at most ${JSON.stringify(most)} may be counted`;
      const people = this.#areEndsWritten ? oracle.mostPeople(location, at, this.#bounds) : count;
      if (count > people) return `${told()} counts a ghost whose writer is at work: at most ${people}`;
    }
    if (lack && !mayRefuse && this.#isVisible && (isSettled || this.#isClean)) {
      const least = oracle.settled({ location, isolate }, at, this.#bounds);
      const lost = MOODS.reduce((people, mood) => people + Math.max(least[mood] - moods[mood], 0), 0);
      if (lost > this.#flicker.people + this.#flicker.share * peopleIn(least)) {
        return `${told()} has lost somebody: at least ${JSON.stringify(least)} must be counted`;
      }
    }
    return undefined;
  }
}
