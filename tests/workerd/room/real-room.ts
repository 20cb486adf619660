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
  /** It begins now, so that no alarm set by this clock comes due by itself. */
  readonly #runtime = new FakeRuntime(Date.now());
  readonly #troubled = new TroubledRoom(() => this.stub);

  /** A room that holds nobody. Whoever opens it gives the real clock back afterwards: `vi.useRealTimers()`. */
  static async open(): Promise<RealRoom> {
    await emptyStorage();
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    return new RealRoom();
  }

  private constructor() {}

  get stub() {
    return stub();
  }

  /** How many calls its replicas made. */
  get calls(): number {
    return this.#troubled.calls;
  }

  /** Another replica. */
  join(): SyncedReplica {
    const room = () => this.#troubled;
    return new SyncedReplica(
      new RoomHub({ room, timing: TIMING, runtime: this.#runtime }),
      TIMING,
      this.#runtime,
    );
  }

  /** Anything in the object's own context. */
  inside<Result>(
    look: (state: DurableObjectState, room: PresenceRoom) => Result | Promise<Result>,
  ): Promise<Result> {
    return inside(look);
  }

  /** Time passes, for the object's timers too: they run in its context, as on the platform. */
  async pass(ms: number): Promise<void> {
    await inside(() => vi.advanceTimersByTime(ms));
    await this.#runtime.advance(ms);
  }

  /** The object hibernates: it is gone from memory, and its timers with it. Rejects if it does so already. */
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
  // This sets the clock back, too.
  vi.clearAllTimers();
  vi.setSystemTime(now);
}
