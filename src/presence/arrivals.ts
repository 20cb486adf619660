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
 * Keeps the order of arrival of waiting heartbeats. A heartbeat or leave that counts overtakes the earlier heartbeats of its session.
 * Otherwise a waiting heartbeat undoes a later leave. Only the latest 10,000 waiting sessions keep their order.
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

  /** Records that a request of the session counts. It has waited since its `arrival`, or else it has just arrived. */
  count(key: string, arrival?: Arrival): void {
    const counted = this.#counted.get(key);
    if (counted === undefined) return;
    if (arrival === undefined) this.#order += 1;
    this.#counted.set(key, Math.max(counted, arrival?.order ?? this.#order));
  }

  /** Whether a later request of the session has counted. */
  isOvertaken({ key, order }: Arrival): boolean {
    return (this.#counted.get(key) ?? 0) > order;
  }
}
