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

/** The key of the location where replicas are unless a test sets another one. */
export const KEY = 'presence:sessions:ams';

/** So many session ids, none of them that of a test's named sessions. */
export const crowdOf = (size: number): readonly string[] =>
  Array.from({ length: size }, (_, n) => sessionId(100 + n));

/** Replicas with one real KV namespace, which fails where a test says so. */
export class KvSite {
  readonly runtime = new FakeRuntime();
  readonly kv = new TroubledKv(env.PRESENCE_KV);
  /** What the hubs reported. */
  readonly reports: string[] = [];

  /** A site where nothing is stored. */
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

  /** A replica whose operations are counted apart from those of the others. */
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

  /** An interval passes and the replica syncs. */
  async sync(replica: SyncedReplica): Promise<void> {
    await this.runtime.advance(TIMING.syncIntervalMs);
    await replica.presence();
  }

  /** Moves the clock second by second until the answer comes. Real time passes between, because KV needs it. */
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

/** The value under a key, with its summary. */
export const stored = (key = KEY) => env.PRESENCE_KV.getWithMetadata(key, 'json');

/** The summary under the key. */
export const storedSummary = async () => LocationSummary.parse((await stored()).metadata);

/** How much longer than usual a summary counts. */
export const extensionOf = ({ at, until }: LocationSummary) => until - at - TIMING.leaseMs;

/** Values that are no map: the name of each, and its text. */
export const NO_MAPS: string[][] = [
  ['no JSON', '{{{'],
  ['nothing', ''],
  ['a list', '[1,2,3]'],
  ['null', 'null'],
  ['a number', '42'],
];
