import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import type { PresenceRoom } from '../../../src/presence-room';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import type { SyncedReplica } from '../../support/synced-replica';
import { TroubledRoom } from '../../support/troubled-room';
import { roomReplica } from '../presence/room/room-replica';

export const SECOND = 1_000;

/** The real Durable Object with its own SQLite. The test controls its clock, timers and alarms. */
export class RealRoom {
  /** Starts at the real time. Otherwise the platform runs an alarm that the test's clock has set. */
  readonly #runtime = new FakeRuntime(Date.now());
  readonly #troubled = new TroubledRoom(() => this.stub);

  /** Returns an empty room. The test restores the real clock afterwards: `vi.useRealTimers()`. */
  static async open(): Promise<RealRoom> {
    await emptyStorage();
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    return new RealRoom();
  }

  private constructor() {}

  get stub() {
    return stub();
  }

  /** The number of calls from replicas. */
  get calls(): number {
    return this.#troubled.calls;
  }

  /** Returns a new replica, which has not synced yet. */
  join(): SyncedReplica {
    return roomReplica(() => this.#troubled, this.#runtime);
  }

  /** Runs a function in the context of the Durable Object. */
  inside<Result>(
    callback: (state: DurableObjectState, room: PresenceRoom) => Result | Promise<Result>,
  ): Promise<Result> {
    return inside(callback);
  }

  /** Advances the clocks of the room and of its replicas. Timers of the room run in its own context, as on the platform. */
  async pass(ms: number): Promise<void> {
    await inside(() => vi.advanceTimersByTime(ms));
    await this.#runtime.advance(ms);
  }

  /** Makes the room lose its memory and its timers. Rejects if the room hibernates already. */
  async hibernate(): Promise<void> {
    await evictDurableObject(this.stub);
    forgetTimers();
  }

  /** Makes the room crash. Its sockets break. */
  async crash(): Promise<void> {
    await abortAllDurableObjects();
    forgetTimers();
  }

  /** Returns when the alarm is due (ms), or null if none is set. */
  alarmAt(): Promise<number | null> {
    return inside(({ storage }) => storage.getAlarm());
  }

  /** Runs the alarm now. Returns whether one was set. */
  runAlarm(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }
}

const stub = () => env.PRESENCE_ROOM.getByName(ROOM_NAME);

const inside = <Result>(
  callback: (state: DurableObjectState, room: PresenceRoom) => Result | Promise<Result>,
) => runInDurableObject(stub(), (room: PresenceRoom, state) => callback(state, room));

function forgetTimers(): void {
  const now = Date.now();
  // This also resets the clock.
  vi.clearAllTimers();
  vi.setSystemTime(now);
}
