import type { MoodCounts, SessionRecord } from './session';
import type { SessionTable } from './session-table';
import type { Trouble } from './trouble';

/**
 * How a sync ended that did not fail. `refused`: what the others hold was learned, but what we hold was turned away,
 * because another replica has just written; trying again soon helps.
 */
export type SyncOutcome = 'done' | 'refused';

/**
 * A replica's end of the place where replicas meet. It knows, as of its last sync, everybody whom its replica does not hold itself.
 *
 * Every engine in which replicas can meet passes the suite in `tests/workerd/contract/`.
 */
export interface Hub {
  /** The engine's name, for people who look at `/health`. */
  readonly kind: 'kv' | 'durable-object' | 'none';

  /** What makes its counts wrong, if anything does. A failed sync is not among it. */
  readonly trouble: Trouble | undefined;

  /** Whether it has heard of the other replicas at all. Before the first sync every session looks new. */
  readonly hasHeard: boolean;

  /**
   * Tells the other replicas of `own` and hears of theirs; sessions that another replica heard later leave `own`.
   * Rejects when the hub cannot be reached. What was learned until then holds, and nothing is lost.
   */
  sync(own: SessionTable): Promise<SyncOutcome>;

  /** Sessions per mood that this replica does not hold, at `now` (ms). Ages are applied here, so nothing freezes while the hub is away. */
  counts(now: number): MoodCounts;

  /** The last that is known of a session from another replica; its `mood` is null if it left. */
  last(id: string): SessionRecord | undefined;

  /** Counts a session no more, because it is heard here now, and returns what was known of it. */
  claim(id: string): SessionRecord | undefined;
}
