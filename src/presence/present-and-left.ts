import type { OpenChannels } from './open-channels';
import { Roster, type RosterEntry } from './roster';

/** Present sessions, and tombstones of sessions that left. Iteration gives the tombstones first. */
export class PresentAndLeft {
  protected readonly present: Roster;
  protected readonly left = new Roster();

  constructor(openChannels?: OpenChannels) {
    this.present = new Roster(openChannels);
  }

  /** Number of present sessions. */
  get size(): number {
    return this.present.size;
  }

  /** Number of present sessions and tombstones. */
  get recordsSize(): number {
    return this.present.size + this.left.size;
  }

  get tombstones(): Iterable<[string, RosterEntry]> {
    return this.left;
  }

  get presentSessions(): Iterable<[string, RosterEntry]> {
    return this.present;
  }

  *[Symbol.iterator](): IterableIterator<[string, RosterEntry]> {
    yield* this.left;
    yield* this.present;
  }

  get(key: string): RosterEntry | undefined {
    return this.present.get(key) ?? this.left.get(key);
  }

  isPresent(key: string): boolean {
    return this.present.get(key) !== undefined;
  }
}

/** A read-only view of the sessions and tombstones. */
export type SessionsView = Pick<
  PresentAndLeft,
  'size' | 'recordsSize' | 'tombstones' | 'presentSessions' | 'get' | 'isPresent' | typeof Symbol.iterator
>;
