import { GATHERING_STARTS_MS, type Phases } from './crowd';
import type { Scenario } from './scenario';

const WINDOW_MS = 10_000;
/** A crowd is shown when every answer of ten seconds shows so much of it, and gone when none shows more than the rest. */
const NEARLY_ALL = 0.99;

/** How fast a crowd that gathers is shown, and one that falls silent all at once is gone. It knows the default channel only. */
export class Gathering {
  readonly #scenario: Scenario;
  readonly #phases: Phases;
  /** The lowest and the highest count of each ten seconds, since the start. */
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

  /** Seconds from when all had come until all were shown. */
  get shownAfterSeconds(): number | undefined {
    const { gatherSeconds, people, channels } = this.#scenario;
    if (gatherSeconds === 0 || channels > 0) return undefined;
    const gatheredAt = this.#phases.start + GATHERING_STARTS_MS + gatherSeconds * 1000;
    return this.#secondsUntil(gatheredAt, ({ min }) => min >= people * NEARLY_ALL);
  }

  /** Seconds from when the last session had ended, a TTL after all fell silent, until nobody was shown any more. */
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
