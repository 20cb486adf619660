import { env } from 'cloudflare:workers';
import { type KeyValueStore, KvHub } from '../../../../src/presence/kv/kv-hub';
import { LocationSummary } from '../../../../src/presence/kv/location-summaries';
import { kvTiming } from '../../../../src/presence/timing';
import { emptyStorage } from '../../../support/empty-storage';
import { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { SyncedReplica } from '../../../support/synced-replica';
import { TroubledKv } from '../../../support/troubled-kv';

export const TIMING = kvTiming(30_000, 10_000);

/** The key of the default location of a test's replicas. */
export const KEY = 'presence:sessions:ams';

/** Returns `size` session ids. No test has a name for their sessions, as for ANNA. */
export const unnamedSessionIds = (size: number): readonly string[] =>
  Array.from({ length: size }, (_, n) => sessionId(100 + n));

/** Replicas that share one real KV namespace. A test sets its faults in `kv.trouble`. */
export class KvSite {
  readonly runtime = new FakeRuntime();
  readonly kv = new TroubledKv(env.PRESENCE_KV);
  /** All reports of the hubs. */
  readonly reports: string[] = [];

  /** Returns a site without stored keys. */
  static async open(): Promise<KvSite> {
    await emptyStorage();
    return new KvSite();
  }

  join(location: string | null = 'ams', store: KeyValueStore = this.kv.store): SyncedReplica {
    return this.joinHub(this.hub(location, store));
  }

  joinHub(hub: KvHub): SyncedReplica {
    return new SyncedReplica(hub, TIMING, this.runtime);
  }

  /** Returns a replica with a `TroubledKv` of its own, which counts the operations of this replica only. */
  joinObserved(location = 'ams'): { readonly replica: SyncedReplica; readonly kv: TroubledKv } {
    const kv = new TroubledKv(env.PRESENCE_KV);
    return { replica: this.join(location, kv.store), kv };
  }

  hub(location: string | null = 'ams', store: KeyValueStore = this.kv.store): KvHub {
    const { runtime } = this;
    const report = (trouble: string) => void this.reports.push(trouble);
    const hub = new KvHub({ kv: store, timing: TIMING, runtime, report });
    if (location !== null) hub.locate(location);
    return hub;
  }

  /** Moves the clock by a sync interval, and lets the replica sync. */
  async sync(replica: SyncedReplica): Promise<void> {
    await this.runtime.advance(TIMING.syncIntervalMs);
    await replica.presence();
  }

  /** Moves the clock by 1 s at a time until the answer arrives. Waits 10 real ms each time, otherwise KV cannot answer. */
  async afterWaiting(answer: Promise<unknown>): Promise<void> {
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    while (!answered) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await this.runtime.advance(1_000);
    }
  }
}

/** Returns the value under a key, with its summary as metadata. */
export const stored = (key = KEY) => env.PRESENCE_KV.getWithMetadata(key, 'json');

/** Returns the summary of the default location. */
export const storedSummary = async () => LocationSummary.parse((await stored()).metadata);

/** Returns how much longer than `leaseMs` a summary counts (ms). */
export const extensionOf = ({ at, until }: LocationSummary) => until - at - TIMING.leaseMs;
