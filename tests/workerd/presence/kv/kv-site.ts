import { env } from 'cloudflare:workers';
import { KvHub } from '../../../../src/presence/kv/kv-hub';
import { kvTiming } from '../../../../src/presence/timing';
import { emptyStorage } from '../../../support/empty-storage';
import { FakeRuntime } from '../../../support/fake-runtime';
import { SyncedReplica } from '../../../support/synced-replica';
import { TroubledKv } from '../../../support/troubled-kv';

export const TIMING = kvTiming(30_000, 10_000);

/** The key of the location where replicas are unless a test says otherwise. */
export const KEY = 'presence:sessions:ams';

/** Replicas that meet at a real KV namespace, which fails where a test says. */
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

  join(location: string | null = 'ams', store = this.kv.store): SyncedReplica {
    return new SyncedReplica(this.hub(location, store), TIMING, this.runtime);
  }

  hub(location: string | null = 'ams', store = this.kv.store): KvHub {
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

  /** Moves the clock second by second, with time for the real KV between, until the answer is there. */
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

/** What stands under a key, with its summary. */
export const stored = (key = KEY) => env.PRESENCE_KV.getWithMetadata(key, 'json');
