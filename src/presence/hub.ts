import type { Replica } from './replica';
import type { MoodCounts } from './session';
import type { Trouble } from './trouble';

/** The result of a sync that did not fail. */
export interface SyncOutcome {
  /** The hub refused the write, because another replica had just written. A retry within seconds can succeed. */
  readonly isRefused: boolean;
  /** What makes the counts wrong although the sync succeeded. */
  readonly trouble: Trouble | undefined;
}

/**
 * The place where replicas exchange their sessions: input, output and wire format only. `Replica` holds every session.
 *
 * Every hub in which replicas meet passes the suite in `tests/workerd/contract/`.
 */
export interface Hub {
  /** The hub's name in `/health`. */
  readonly kind: 'kv' | 'durable-object' | 'none';

  /**
   * Sends the sessions of the replica, and merges those of the other replicas into it. Rejects when the hub does not answer.
   * Then earlier merges stay, and the replica loses nothing.
   */
  sync(replica: Replica): Promise<SyncOutcome>;

  /** Returns the sessions of the default channel that the replica does not hold, at `now` (ms): on KV those of other locations. */
  otherLocations(now: number): MoodCounts;
}
