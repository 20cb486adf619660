import { GATHERING_STARTS_MS } from './crowd';
import type { Phases } from './phases';
import type { Scenario } from './scenario';

const WINDOW_MS = 10_000;
/** A crowd is shown when every answer of 10 s has this part of it. It is gone when no answer has more than the rest. */
const NEARLY_ALL = 0.99;

/** Measures when a crowd is shown after its start, and gone after its end. It measures the default channel only. */
export class Gathering {
  readonly #scenario: Scenario;
  readonly #phases: Phases;
  /** The lowest and the highest count of each 10 s, since the start. */
  readonly #windows: { min: number; max: number }[] = [];

  constructor(scenario: Scenario, phases: Phases) {
    this.#scenario = scenario;
    this.#phases = phases;
  }

  measure(count: number, now: number): void {
    const index = Math.floor((now - this.#phases.start) / WINDOW_MS);
    const { min, max } = this.#windows[index] ?? { min: count, max: count };
    this.#windows[index] = { min: Math.min(min, count), max: Math.max(max, count) };
  }

  /** Seconds from the last start of the gathering until the crowd is shown. */
  get shownAfterSeconds(): number | undefined {
    const { gatherSeconds, people, channels } = this.#scenario;
    if (gatherSeconds === 0 || channels > 0) return undefined;
    const gatheredAt = this.#phases.start + GATHERING_STARTS_MS + gatherSeconds * 1000;
    return this.#secondsUntil(gatheredAt, ({ min }) => min >= people * NEARLY_ALL);
  }

  /** Seconds from a TTL after the last heartbeat, when the last session has ended, until the crowd is gone. */
  get goneAfterSeconds(): number | undefined {
    const { goneMinutes, people, ttlSeconds, channels } = this.#scenario;
    if (goneMinutes === 0 || channels > 0) return undefined;
    const endedAt = this.#phases.calmUntil + ttlSeconds * 1000;
    return this.#secondsUntil(endedAt, ({ max }) => max <= people * (1 - NEARLY_ALL));
  }

  #secondsUntil(from: number, holds: (window: { min: number; max: number }) => boolean): number | undefined {
    const first = Math.ceil((from - this.#phases.start) / WINDOW_MS);
    const found = this.#windows.findIndex(
      (window, index) => index >= first && window !== undefined && holds(window),
    );
    return found === -1 ? undefined : (found - first) * (WINDOW_MS / 1000);
  }
}
