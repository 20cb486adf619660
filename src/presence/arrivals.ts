import { ARRIVALS_MAX, ARRIVALS_PER_SESSION_MAX } from '../limits';
import { setLatest } from './set-latest';

/** A heartbeat of a new session that waits for the limiter. Once it is overtaken it must not count any more. */
export interface Arrival {
  readonly id: string;
  /** When it came (ms). It counts from then on. */
  readonly at: number;
  isOvertaken: boolean;
}

/**
 * Keeps the order of arrival of heartbeats that wait before they count. A heartbeat or a leave that counts overtakes the
 * heartbeats of its session that came before it; otherwise a leave is undone by an earlier heartbeat.
 *
 * It keeps the order of the latest 10,000 only: the platform may end a waiting request, which then never takes its entry back.
 */
export class Arrivals {
  readonly #waiting = new Map<string, Arrival[]>();

  add(id: string, at: number): Arrival {
    const arrival: Arrival = { id, at, isOvertaken: false };
    const waiting = [...(this.#waiting.get(id) ?? []), arrival].slice(-ARRIVALS_PER_SESSION_MAX);
    setLatest(this.#waiting, id, waiting, ARRIVALS_MAX);
    return arrival;
  }

  /** Overtakes the arrivals of the session before `last`, or all of them, and takes them and `last` from the list. */
  overtake(id: string, last?: Arrival): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const place = last === undefined ? waiting.length : waiting.indexOf(last);
    for (const arrival of waiting.slice(0, Math.max(place, 0))) arrival.isOvertaken = true;
    this.#keep(id, waiting.slice(place + 1));
  }

  /** The arrival ends without counting. */
  cancel(arrival: Arrival): void {
    const waiting = this.#waiting.get(arrival.id) ?? [];
    this.#keep(
      arrival.id,
      waiting.filter((one) => one !== arrival),
    );
  }

  #keep(id: string, waiting: Arrival[]): void {
    if (waiting.length === 0) this.#waiting.delete(id);
    else this.#waiting.set(id, waiting);
  }
}
