import { RoomHub } from '../../../../src/presence/room/room-hub';
import type { RoomStub } from '../../../../src/presence/room/room-protocol';
import { roomTiming } from '../../../../src/presence/timing';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { SyncedReplica } from '../../../support/synced-replica';

/** The times of a room and its replicas. */
export const TIMING = roomTiming(30_000, 1_000);
/** A session expires this long after its last heartbeat (ms). */
export const TTL = TIMING.ttlMs;

/** Returns a new replica of a room, which has not synced yet. */
export const roomReplica = (room: () => RoomStub, runtime: FakeRuntime): SyncedReplica =>
  new SyncedReplica(new RoomHub({ room, timing: TIMING, runtime, hasChannels: true }), TIMING, runtime);
