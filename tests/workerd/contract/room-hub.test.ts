import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, vi } from 'vitest';
import { RoomHub } from '../../../src/presence/room/room-hub';
import { ROOM_NAME } from '../../../src/presence/room/room-protocol';
import { roomTiming } from '../../../src/presence/timing';
import { emptyStorage } from '../../support/empty-storage';
import type { FakeRuntime } from '../../support/fake-runtime';
import { TroubledRoom } from '../../support/troubled-room';
import { hubContract } from './hub-contract';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

for (const [name, times, channel] of [
  ['the room, TTL 30 s', roomTiming(30_000, 1_000), ''],
  ['the room, sync every 10 s', roomTiming(30_000, 10_000), ''],
  ['the room, in a channel', roomTiming(30_000, 1_000), 'lobby'],
] as const) {
  const open = async (runtime: FakeRuntime) => {
    await emptyStorage();
    // The object reads the system clock. Otherwise its sessions expire at other times than those of the replicas.
    runtime.onTick = (now) => void vi.setSystemTime(now);
    const room = new TroubledRoom(() => env.PRESENCE_ROOM.getByName(ROOM_NAME));
    return {
      timing: times,
      orphanMs: times.ttlMs,
      join: () => new RoomHub({ room: () => room, timing: times, runtime, hasChannels: true }),
      breakDown: () => {
        room.trouble = 'throws';
      },
      heal: () => {
        room.trouble = undefined;
      },
    };
  };
  hubContract(name, open, channel);
}
