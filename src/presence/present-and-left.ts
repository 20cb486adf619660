import { Roster, type RosterEntry } from './roster';

/** Present sessions, and tombstones of sessions that left. Iteration gives the tombstones first. */
export class PresentAndLeft {
  protected readonly present = new Roster();
  protected readonly left = new Roster();

  /** Number of present sessions. */
  get size(): number {
    return this.present.size;
  }

  /** Number of present sessions and tombstones. */
  get recordsSize(): number {
    return this.present.size + this.left.size;
  }

  *[Symbol.iterator](): IterableIterator<[string, RosterEntry]> {
    yield* this.left;
    yield* this.present;
  }

  get(id: string): RosterEntry | undefined {
    return this.present.get(id) ?? this.left.get(id);
  }

  isPresent(id: string): boolean {
    return this.present.get(id) !== undefined;
  }
}

/** The same to read. */
export type SessionsView = Pick<
  PresentAndLeft,
  'size' | 'recordsSize' | 'get' | 'isPresent' | typeof Symbol.iterator
>;
