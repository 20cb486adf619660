import type { Report } from '../rate-limited-log';
import type { Hub, SyncOutcome } from './hub';
import { type MoodCounts, ZERO_COUNTS } from './session';

/** Replaces a missing hub. Each isolate counts its own sessions only, and each sync reports that. */
export class LocalHub implements Hub {
  readonly kind = 'none';
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  sync(): Promise<SyncOutcome> {
    this.#report('PRESENCE_KV is not bound, so this isolate counts its own sessions only');
    return Promise.resolve({ isRefused: false, trouble: 'no-hub' });
  }

  otherLocations(): MoodCounts {
    return ZERO_COUNTS;
  }
}
