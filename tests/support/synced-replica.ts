import type { Hub } from '../../src/presence/hub';
import { PresenceStore } from '../../src/presence/presence-store';
import { Replica } from '../../src/presence/replica';
import type { Mood, PresenceState } from '../../src/presence/session';
import type { Timing } from '../../src/presence/timing';
import type { Trouble } from '../../src/presence/trouble';
import { type FakeRuntime, settle } from './fake-runtime';

/** The replica of one isolate. Each call returns only after its syncs have ended. */
export class SyncedReplica {
  readonly store: PresenceStore;
  readonly reports: string[] = [];
  /** The replica of the store. Before the first sync it is an empty one. */
  sessions: Replica;
  #syncs: Promise<unknown>[] = [];

  constructor(hub: Hub, timing: Timing, runtime: FakeRuntime) {
    this.sessions = new Replica(timing);
    const observedHub: Hub = {
      kind: hub.kind,
      otherLocations: (now) => hub.otherLocations(now),
      sync: (replica) => {
        this.sessions = replica;
        const sync = hub.sync(replica);
        this.#syncs.push(sync.catch(() => undefined));
        return sync;
      },
    };
    this.store = new PresenceStore({
      hub: observedHub,
      timing,
      sessionsMax: 50_000,
      runtime,
      report: (trouble) => void this.reports.push(trouble),
    });
  }

  get trouble(): Trouble | undefined {
    return this.store.health().trouble;
  }

  heartbeat(key: string, mood: Mood = 'presence'): Promise<PresenceState> {
    return this.#finished(Promise.resolve(this.store.countHeartbeat(key, mood, defer)));
  }

  leave(key: string): Promise<void> {
    return this.#finished(this.store.leave(key, defer));
  }

  presence(channel?: string): Promise<PresenceState> {
    return this.#finished(Promise.resolve(this.store.presence(defer, channel)));
  }

  /** Waits for syncs that no request started. */
  async idle(): Promise<void> {
    await this.#finished(Promise.resolve());
  }

  async count(channel?: string): Promise<number> {
    return (await this.presence(channel)).count;
  }

  async #finished<Answer>(request: Promise<Answer>): Promise<Answer> {
    const answer = await request;
    await Promise.all(this.#syncs.splice(0));
    await settle();
    return answer;
  }
}

/** Ignores the deferred work, because `#finished` waits for the syncs. */
const defer = () => undefined;
