import type { Hub, SyncOutcome } from '../../../src/presence/hub';
import type { Replica } from '../../../src/presence/replica';
import { type MoodCounts, type SessionRecord, ZERO_COUNTS } from '../../../src/presence/session';
import type { FakeRuntime } from '../../support/fake-runtime';

export const DONE: SyncOutcome = { isRefused: false, trouble: undefined };
export const REFUSED: SyncOutcome = { isRefused: true, trouble: undefined };

/** A hub whose answers the test decides. Each sync that does not fail merges the stored records, after `next`. */
export class ScriptedHub implements Hub {
  readonly kind = 'kv';
  syncs = 0;
  others: MoodCounts = ZERO_COUNTS;
  /** The records that other replicas stored. */
  readonly stored = new Map<string, SessionRecord>();
  /** Runs in the next sync before its merge. */
  next: (replica: Replica) => Promise<SyncOutcome> = () => Promise.resolve(DONE);
  #replica: Replica | undefined;
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime) {
    this.#runtime = runtime;
  }

  /** The replica of the last sync. */
  get replica(): Replica {
    if (this.#replica === undefined) throw new Error('There has been no sync.');
    return this.#replica;
  }

  async sync(replica: Replica): Promise<SyncOutcome> {
    this.syncs += 1;
    this.#replica = replica;
    const outcome = await this.next(replica);
    this.merge();
    return outcome;
  }

  /** Merges the stored records, as a sync does before it ends. It ends no expired session. */
  merge(): void {
    const stored = [...this.stored].map(
      ([id, record]) => [id, { ...record, expiresAt: record.lastSeen + 60_000 }] as const,
    );
    this.replica.mergeStored(new Map(stored), this.#runtime.now(), Number.NEGATIVE_INFINITY);
  }

  otherLocations(): MoodCounts {
    return this.others;
  }
}

/** A sync that does not end. */
export const never = () => new Promise<never>(() => undefined);

/** A sync that fails. */
export const fail = () => Promise.reject(new Error('KV is unavailable'));
