import { ROOM_CHANGES_MAX } from '../../limits';

/** The keys of the last 5,000 to 10,000 changed sessions of a room, in the order of the changes. */
export class ChangeLog {
  readonly #keys: string[] = [];
  /** How many changes it has dropped. They are older than those in `#keys`. */
  #dropped = 0;

  /** The number of changes since the start of the room. */
  get count(): number {
    return this.#dropped + this.#keys.length;
  }

  add(key: string): void {
    this.#keys.push(key);
    if (this.#keys.length <= ROOM_CHANGES_MAX) return;
    // Half of them at once, so that a change costs O(1), amortised.
    const dropped = ROOM_CHANGES_MAX / 2;
    this.#keys.splice(0, dropped);
    this.#dropped += dropped;
  }

  /** Returns the keys that changed after the first `count` changes. Undefined if it has dropped some of these. */
  since(count: number): Set<string> | undefined {
    if (count < this.#dropped || count > this.count) return undefined;
    return new Set(this.#keys.slice(count - this.#dropped));
  }
}
