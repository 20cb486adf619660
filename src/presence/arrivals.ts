import { ARRIVALS_MAX, ARRIVALS_PER_SESSION_MAX } from '../limits';
import { setLatest } from './set-latest';

/** A heartbeat of a new session that waits for the limiter. An overtaken one must not count. */
export interface Arrival {
  readonly id: string;
  /** Time of arrival (ms). The TTL of the heartbeat starts then. */
  readonly at: number;
  isOvertaken: boolean;
}

/**
 * Keeps the order of arrival of waiting heartbeats. A heartbeat or a leave that counts overtakes the earlier heartbeats of its
 * session, otherwise an earlier heartbeat undoes a leave.
 *
 * Only the latest 10,000 keep their order: a request that the platform ends never removes its entry.
 */
export class Arrivals {
  readonly #waiting = new Map<string, Arrival[]>();

  add(id: string, at: number): Arrival {
    const arrival: Arrival = { id, at, isOvertaken: false };
    const waiting = [...(this.#waiting.get(id) ?? []), arrival].slice(-ARRIVALS_PER_SESSION_MAX);
    setLatest(this.#waiting, id, waiting, ARRIVALS_MAX);
    return arrival;
  }

  /** Overtakes the arrivals of the session before `last`, or all of them. Removes them and `last` from the list. */
  overtake(id: string, last?: Arrival): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const place = last === undefined ? waiting.length : waiting.indexOf(last);
    for (const arrival of waiting.slice(0, Math.max(place, 0))) arrival.isOvertaken = true;
    this.#keep(id, waiting.slice(place + 1));
  }

  /** Removes an arrival that does not count. */
  cancel(arrival: Arrival): void {
    const others = this.#waiting.get(arrival.id)?.filter((one) => one !== arrival);
    this.#keep(arrival.id, others ?? []);
  }

  #keep(id: string, waiting: Arrival[]): void {
    if (waiting.length === 0) this.#waiting.delete(id);
    else this.#waiting.set(id, waiting);
  }
}
