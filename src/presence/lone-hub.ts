import type { Hub, SyncOutcome } from './hub';
import { type MoodCounts, NOBODY } from './session';

/** A hub with nobody in it, for a Worker without a KV binding: every isolate counts its own and hears of no other. */
export class LoneHub implements Hub {
  readonly kind = 'none';
  /** Of nobody, which is all that there is. */
  readonly hasHeard = true;

  sync(): Promise<SyncOutcome> {
    return Promise.resolve('done');
  }

  counts(): MoodCounts {
    return NOBODY;
  }

  last(): undefined {
    return undefined;
  }

  claim(): undefined {
    return undefined;
  }
}
