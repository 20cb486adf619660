import type { Hub, SyncOutcome } from '../../../src/presence/hub';
import { type MoodCounts, NOBODY, type SessionRecord } from '../../../src/presence/session';
import type { SessionTable } from '../../../src/presence/session-table';
import type { Trouble } from '../../../src/presence/trouble';

/** A hub that answers when and how the test says. */
export class ScriptedHub implements Hub {
  readonly kind = 'kv';
  hasHeard = false;
  trouble: Trouble | undefined;
  syncs = 0;
  others: MoodCounts = NOBODY;
  readonly known = new Map<string, SessionRecord>();
  readonly claims: string[] = [];
  /** What the next sync does. */
  next: (own: SessionTable) => Promise<SyncOutcome> = () => Promise.resolve('done');

  async sync(own: SessionTable): Promise<SyncOutcome> {
    this.syncs += 1;
    const outcome = await this.next(own);
    this.hasHeard = true;
    return outcome;
  }

  counts(): MoodCounts {
    return this.others;
  }

  last(id: string): SessionRecord | undefined {
    return this.known.get(id);
  }

  claim(id: string): SessionRecord | undefined {
    this.claims.push(id);
    const record = this.known.get(id);
    this.known.delete(id);
    return record;
  }
}

/** A sync that does not end. */
export const never = () => new Promise<never>(() => undefined);

/** A sync that fails. */
export const fail = () => Promise.reject(new Error('KV is away'));
