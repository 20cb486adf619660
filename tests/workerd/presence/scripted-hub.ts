import type { Hub, SyncOutcome } from '../../../src/presence/hub';
import type { Replica } from '../../../src/presence/replica';
import { type MoodCounts, type SessionRecord, ZERO_COUNTS } from '../../../src/presence/session';
import type { FakeRuntime } from '../../support/fake-runtime';

export const DONE: SyncOutcome = { isRefused: false, trouble: undefined };
export const REFUSED: SyncOutcome = { isRefused: true, trouble: undefined };

/** A hub whose syncs a test controls. Each sync awaits `beforeMerge`, and then merges the stored records. */
export class ScriptedHub implements Hub {
  readonly kind = 'kv';
  syncs = 0;
  otherLocationCounts: MoodCounts = ZERO_COUNTS;
  /** The records of other replicas. */
  readonly stored = new Map<string, SessionRecord>();
  /** Each sync awaits this before its merge, and ends with its outcome. */
  beforeMerge: (replica: Replica) => Promise<SyncOutcome> = () => Promise.resolve(DONE);
  /** The keys in the outbox at the start of the last sync. */
  sentKeys: readonly string[] = [];
  #replica: Replica | undefined;
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime) {
    this.#runtime = runtime;
  }

  /** The replica of the last sync. */
  get replica(): Replica {
    if (this.#replica === undefined) throw new Error('The hub has had no sync.');
    return this.#replica;
  }

  async sync(replica: Replica): Promise<SyncOutcome> {
    this.syncs += 1;
    this.#replica = replica;
    this.sentKeys = [...replica.outbox(0).keys()];
    const outcome = await this.beforeMerge(replica);
    this.merge();
    return outcome;
  }

  /** Merges the stored records, as a sync does at its end. The merge ends no expired session. */
  merge(): void {
    const stored = [...this.stored].map(
      ([id, record]) => [id, { ...record, expiresAt: record.lastSeen + 60_000 }] as const,
    );
    this.replica.mergeStored(new Map(stored), this.#runtime.now(), Number.NEGATIVE_INFINITY);
  }

  otherLocations(): MoodCounts {
    return this.otherLocationCounts;
  }
}

/** A sync that does not end. */
export const never = () => new Promise<never>(() => undefined);

/** A sync that fails. */
export const fail = () => Promise.reject(new Error('KV is unavailable'));
