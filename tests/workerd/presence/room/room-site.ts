import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { ROOM_NAME } from '../../../../src/presence/room/room-protocol';
import { emptyStorage } from '../../../support/empty-storage';
import { FakeRuntime } from '../../../support/fake-runtime';
import type { SyncedReplica } from '../../../support/synced-replica';
import { TroubledRoom } from '../../../support/troubled-room';
import { roomReplica, TIMING } from './room-replica';

/** Two replicas that sync with a real room. The room uses the test's clock. */
export class RoomSite {
  readonly runtime = new FakeRuntime();
  /** The stub that `here` calls. It counts calls, and a test can make it fail. */
  readonly room = this.#newStub();
  readonly here = this.join(this.room);
  readonly there = this.join();

  /** Returns a site with an empty room. The test restores the real clock afterwards: `vi.useRealTimers()`. */
  static async open(): Promise<RoomSite> {
    await emptyStorage();
    vi.useFakeTimers({ toFake: ['Date'] });
    return new RoomSite();
  }

  private constructor() {
    this.runtime.onTick = (now) => void vi.setSystemTime(now);
  }

  /** Returns a new replica, which has not synced yet. */
  join(room = this.#newStub()): SyncedReplica {
    return roomReplica(() => room, this.runtime);
  }

  /** Advances the clock, and lets both replicas sync. */
  async pass(ms = TIMING.syncIntervalMs): Promise<void> {
    await this.runtime.advance(ms);
    await this.here.presence();
    await this.there.presence();
  }

  #newStub(): TroubledRoom {
    return new TroubledRoom(() => env.PRESENCE_ROOM.getByName(ROOM_NAME));
  }
}
