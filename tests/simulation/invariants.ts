import { SYNC_ABANDON_MS, SYNC_JITTER, type Timing } from '../../src/config';
import { MOODS, type Mood, type MoodCounts, type PresenceState } from '../../src/presence/session';
import type { Phases } from './crowd';
import { type Oracle, peopleIn } from './oracle';
import type { Scenario } from './scenario';

/** An answer of a store, and where and when it was given. */
export interface Answer {
  readonly at: number;
  readonly location: number;
  readonly state: PresenceState;
  /** The true presence at this moment. */
  readonly truth: MoodCounts;
  /** The mood of the heartbeat that was answered, unless something else was heard of that session meanwhile. */
  readonly callerMood: Mood | undefined;
}

/** How long things may take at most in a world, in ms. What this says is what docs/accuracy.md promises. */
export interface Bounds {
  /** A session's last heartbeat may be so old where it is still counted: in its own location, and in others. */
  readonly homeGhostMs: number;
  readonly awayGhostMs: number;
  /** A session that nothing keeps from it is counted so long after it came: in its own location, and in others. */
  readonly homeShownMs: number;
  readonly awayShownMs: number;
  /** Once nobody comes or goes and nothing fails, all answers are right so much later. */
  readonly settledMs: number;
}

export function boundsOf(scenario: Scenario, timing: Timing): Bounds {
  const { skewMs, locations, isolates, beatSeconds, homeMiss, listCacheSeconds, hang } = scenario;
  // Two clocks may differ by twice the skew, and stamps run ahead of them by a few ms.
  const skew = 2 * skewMs + 20;
  const syncMs = timing.syncIntervalMs * (1 + SYNC_JITTER) + beatSeconds * 1100;
  const retriesMs = isolates * 3_000;
  const homeGhostMs = timing.keepMs + skew;
  const awayGhostMs = homeGhostMs + timing.leaseMs;
  const homeShownMs = 2 * syncMs + retriesMs + (homeMiss > 0 ? 60_000 : 0);
  const awayShownMs = homeShownMs + 60_000 + listCacheSeconds * 1000 + 60_000;
  const healMs = hang > 0 ? SYNC_ABANDON_MS : 0;
  const settledMs =
    healMs + (locations === 1 ? Math.max(homeShownMs, homeGhostMs) : Math.max(awayShownMs, awayGhostMs));
  return { homeGhostMs, awayGhostMs, homeShownMs, awayShownMs, settledMs };
}

/** Judges every answer. What it finds wrong is told as a sentence. */
export class Invariants {
  readonly #oracle: Oracle;
  readonly #phases: Phases;
  readonly #bounds: Bounds;
  /** One isolate that is never replaced has nobody to differ from. */
  readonly #exact: boolean;
  /** Nothing keeps news from travelling. */
  readonly #clean: boolean;

  constructor(oracle: Oracle, scenario: Scenario, phases: Phases, bounds: Bounds) {
    this.#oracle = oracle;
    this.#phases = phases;
    this.#bounds = bounds;
    const { locations, isolates, evict, quota } = scenario;
    this.#exact = locations * isolates === 1 && evict === 0;
    const { fail, hang, corrupt, lose, duplicate, reorder, cutOff, outageMinutes } = scenario;
    const faults = [evict, fail, hang, corrupt, lose, duplicate, reorder, cutOff, outageMinutes];
    this.#clean = faults.every((rate) => rate === 0) && quota === 'none';
  }

  /** What is wrong with an answer, if anything is. */
  judge({ at, location, state, truth, callerMood }: Answer): string | undefined {
    const { moods, count } = state;
    const { homeGhostMs, awayGhostMs, homeShownMs, awayShownMs, settledMs } = this.#bounds;
    const told = JSON.stringify(moods);

    if (MOODS.some((mood) => !Number.isInteger(moods[mood]) || moods[mood] < 0))
      return `no number of people: ${told}`;
    if (peopleIn(moods) !== count) return `the moods ${told} do not add up to ${count}`;
    if (callerMood !== undefined && moods[callerMood] < 1)
      return `the caller, in ${callerMood}, is not in ${told}`;

    const excess = MOODS.some((mood) => moods[mood] > truth[mood]);
    const lack = MOODS.some((mood) => moods[mood] < truth[mood]);
    const settled = at > this.#phases.busyUntil + settledMs && at <= this.#phases.calmUntil;
    if (excess || lack) {
      if (this.#exact) return `one isolate says ${told}, the truth is ${JSON.stringify(truth)}`;
      if (settled) return `all is calm, and still ${told} is not ${JSON.stringify(truth)}`;
    }
    if (excess) {
      const most = this.#oracle.traces(location, at, homeGhostMs, awayGhostMs);
      const ghost = MOODS.some((mood) => moods[mood] > most[mood]);
      if (ghost) return `${told} counts a ghost: at most ${JSON.stringify(most)} may be counted`;
    }
    if (lack && this.#clean) {
      const least = this.#oracle.settled(location, at, homeShownMs, awayShownMs);
      const lost = MOODS.some((mood) => moods[mood] < least[mood]);
      if (lost) return `${told} has lost somebody: at least ${JSON.stringify(least)} must be counted`;
    }
    return undefined;
  }
}
