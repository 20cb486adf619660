import type { Hub, SyncOutcome } from './hub';
import type { Report } from './rate-limited-log';
import { type MoodCounts, NOBODY } from './session';

/** The hub of a Worker whose hub is not bound: every isolate counts its own sessions only, and each sync logs that. */
export class LocalHub implements Hub {
  readonly kind = 'none';
  readonly trouble = 'no-hub';
  /** There are no other replicas to learn from. */
  readonly hasHeard = true;
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  sync(): Promise<SyncOutcome> {
    this.#report('PRESENCE_KV is not bound, so this isolate counts its own sessions only');
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
