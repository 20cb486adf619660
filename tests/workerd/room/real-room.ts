import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { RoomHub } from '../../../src/presence/room/room-hub';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import { roomTiming } from '../../../src/presence/timing';
import type { PresenceRoom } from '../../../src/presence-room';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { SyncedReplica } from '../../support/synced-replica';
import { TroubledRoom } from '../../support/troubled-room';

export const SECOND = 1_000;
export const TIMING = roomTiming(30 * SECOND, SECOND);

/** The real Durable Object with its own SQLite, whose time, timers and alarms the test moves. */
export class RealRoom {
  /** It starts now, so that no alarm set by this clock becomes due by itself. */
  readonly #runtime = new FakeRuntime(Date.now());
  readonly #troubled = new TroubledRoom(() => this.stub);

  /** An empty room. The test restores the real clock afterwards: `vi.useRealTimers()`. */
  static async open(): Promise<RealRoom> {
    await emptyStorage();
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    return new RealRoom();
  }

  private constructor() {}

  get stub() {
    return stub();
  }

  /** The number of calls of its replicas. */
  get calls(): number {
    return this.#troubled.calls;
  }

  /** Another replica. */
  join(): SyncedReplica {
    const room = () => this.#troubled;
    return new SyncedReplica(
      new RoomHub({ room, timing: TIMING, runtime: this.#runtime, hasChannels: true }),
      TIMING,
      this.#runtime,
    );
  }

  /** Runs a function in the object's own context. */
  inside<Result>(
    look: (state: DurableObjectState, room: PresenceRoom) => Result | Promise<Result>,
  ): Promise<Result> {
    return inside(look);
  }

  /** Moves the time, also for the object's timers: they run in its context, as on the platform. */
  async pass(ms: number): Promise<void> {
    await inside(() => vi.advanceTimersByTime(ms));
    await this.#runtime.advance(ms);
  }

  /** The object loses its memory and its timers. Rejects if it hibernates already. */
  async hibernate(): Promise<void> {
    await evictDurableObject(this.stub);
    forgetTimers();
  }

  /** The object crashes, and its sockets break. */
  async crash(): Promise<void> {
    await abortAllDurableObjects();
    forgetTimers();
  }

  /** When its alarm is due (ms), or null. */
  alarmAt(): Promise<number | null> {
    return inside(({ storage }) => storage.getAlarm());
  }

  /** Runs the alarm now, and says whether one was set. */
  runAlarm(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }
}

const stub = () => env.PRESENCE_ROOM.getByName(ROOM_NAME);

const inside = <Result>(look: (state: DurableObjectState, room: PresenceRoom) => Result | Promise<Result>) =>
  runInDurableObject(stub(), (room: PresenceRoom, state) => look(state, room));

function forgetTimers(): void {
  const now = Date.now();
  // This also resets the clock.
  vi.clearAllTimers();
  vi.setSystemTime(now);
}
