import type { Timing } from '../src/config';
import type { Hub } from '../src/presence/hub';
import { PresenceStore } from '../src/presence/presence-store';
import type { Mood, PresenceState } from '../src/presence/session';
import type { FakeWorld } from './fake-world';

/** A replica as one isolate holds it, whose background work is always finished when a call returns. */
export class Replica {
  readonly store: PresenceStore;
  readonly reports: string[] = [];
  #deferred: Promise<void>[] = [];

  constructor(hub: Hub, timing: Timing, world: FakeWorld) {
    this.store = new PresenceStore({
      hub,
      timing,
      world,
      report: (trouble) => void this.reports.push(trouble),
    });
  }

  heartbeat(id: string, mood: Mood = 'presence'): Promise<PresenceState> {
    return this.#finished(this.store.heartbeat(id, mood, this.#defer));
  }

  leave(id: string): Promise<void> {
    return this.#finished(this.store.leave(id, this.#defer));
  }

  presence(): Promise<PresenceState> {
    return this.#finished(this.store.presence(this.#defer));
  }

  async count(): Promise<number> {
    return (await this.presence()).count;
  }

  readonly #defer = (task: Promise<void>) => void this.#deferred.push(task);

  async #finished<Answer>(request: Promise<Answer>): Promise<Answer> {
    const answer = await request;
    await Promise.all(this.#deferred.splice(0));
    return answer;
  }
}
