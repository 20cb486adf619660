import { ARRIVALS_MAX } from '../limits';
import { setLatest } from './set-latest';

/** A heartbeat of a new session that waits for admission. */
export interface Arrival {
  readonly key: string;
  /** Time of arrival (ms). The TTL of the heartbeat starts then. */
  readonly at: number;
  readonly order: number;
}

/**
 * Keeps the order of arrival of waiting heartbeats. A counted heartbeat or leave overtakes earlier heartbeats of its session,
 * otherwise they undo a leave. Only the latest 10,000 waiting sessions keep their order.
 */
export class Arrivals {
  #order = 0;
  /** The order of the last counted request of each session that has waited. */
  readonly #counted = new Map<string, number>();

  add(key: string, at: number): Arrival {
    this.#order += 1;
    setLatest(this.#counted, key, this.#counted.get(key) ?? 0, ARRIVALS_MAX);
    return { key, at, order: this.#order };
  }

  /** A request of the session counts: one that has waited since its `arrival`, or one that has just come. */
  count(key: string, arrival?: Arrival): void {
    const counted = this.#counted.get(key);
    if (counted === undefined) return;
    if (arrival === undefined) this.#order += 1;
    this.#counted.set(key, Math.max(counted, arrival?.order ?? this.#order));
  }

  isOvertaken({ key, order }: Arrival): boolean {
    return (this.#counted.get(key) ?? 0) > order;
  }
}
