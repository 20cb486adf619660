import type { Hub } from '../../../src/presence/hub';
import { PresenceStore } from '../../../src/presence/presence-store';
import type { Mood, PresenceState } from '../../../src/presence/session';
import { kvTiming, type Timing } from '../../../src/presence/timing';
import type { Runtime } from '../../../src/runtime';
import { settle } from '../../support/fake-runtime';
import { sessionId } from '../../support/session-id';

const ANNA = sessionId(1);

/** A replica that does not await its syncs, so a test sees which requests wait for one. */
export class WaitingReplica {
  /** The tasks that the requests pass to `waitUntil`. */
  readonly deferred: Promise<void>[] = [];
  readonly reports: string[] = [];
  readonly #store: PresenceStore;

  constructor(hub: Hub, runtime: Runtime, timing: Timing = kvTiming(30_000, 10_000)) {
    const report = (trouble: string) => void this.reports.push(trouble);
    this.#store = new PresenceStore({ hub, timing, sessionsMax: 50_000, runtime, report });
  }

  async heartbeat(id: string, mood: Mood = 'presence'): Promise<PresenceState> {
    return this.#store.countHeartbeat(id, mood, this.#defer);
  }

  /** Sends a heartbeat, which waits for the limiter if its session is new. */
  async heartbeatWithLimiter(id: string, isWithinLimit: () => Promise<boolean>) {
    return this.#store.heartbeat(id, 'presence', this.#defer, isWithinLimit);
  }

  leave(id: string): Promise<void> {
    return this.#store.leave(id, this.#defer);
  }

  async presence(): Promise<PresenceState> {
    return this.#store.presence(this.#defer);
  }

  health() {
    return this.#store.health();
  }

  /** Sends a heartbeat. Rejects if the answer waits for a sync. */
  async heartbeatAtOnce(id = ANNA): Promise<PresenceState> {
    const answer = await Promise.race([this.heartbeat(id), settle()]);
    if (answer === undefined) throw new Error('The heartbeat waits for a sync.');
    return answer;
  }

  readonly #defer = (task: Promise<void>) => void this.deferred.push(task);
}

/** Returns whether the answer is still pending before the clock moves. */
export async function isWaiting(answer: Promise<unknown>): Promise<boolean> {
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  await settle();
  return !answered;
}
