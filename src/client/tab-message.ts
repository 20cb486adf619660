import type { PresenceState } from './types.js';
import type { Visit } from './visit.js';

/** A message from one tab to the others. */
export interface TabMessage {
  readonly visit: Visit;
  /** Only the leader sends this part: at each change, and when its timer starts again. */
  readonly leader?: {
    /** Null before the first answer and after a failure. */
    readonly state: PresenceState | null;
    readonly isFailing: boolean;
    /** How far the server's clock is ahead of this device's, and the largest error (ms). */
    readonly aheadMs: number;
    readonly errorMs: number;
    readonly intervalMs: number;
    /** The rest of a `Retry-After` (ms). */
    readonly retryInMs: number;
    /** When the leader acts next (ms from now). */
    readonly dueMs: number;
  };
}
