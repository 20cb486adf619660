import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../src/limits';
import { sessionKey } from '../../../src/presence/session-key';
import { sessionId } from '../../support/session-id';
import { RealRoom } from './real-room';
import { delivered, RoomClient } from './room-client';

const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => void vi.useRealTimers());

const countsAt = (client: RoomClient) => client.states.map(({ count }) => count);

async function afterBroadcast(): Promise<void> {
  await room.pass(LIVE_BROADCAST_INTERVAL_MS);
  await delivered(room);
}

it('replicas of one room have the same counts in each channel, and a session id counts once in each', async () => {
  const [here, there] = [room.join(), room.join()];
  for (const channel of ['', 'lobby', 'constructor']) await here.heartbeat(sessionKey(channel, ANNA));
  await there.heartbeat(sessionKey('lobby', BEN));
  await room.pass(1_500);
  for (const replica of [here, there, room.join()]) {
    expect(await replica.count()).toBe(1);
    expect(await replica.count('lobby')).toBe(2);
    expect(await replica.count('constructor')).toBe(1);
  }
});

it('a room finds each socket and watcher in its channel after hibernation, and sends no further message', async () => {
  const channels = ['', 'lobby', 'post-7'];
  const watchers = await Promise.all(channels.map((channel) => RoomClient.open(room, channel)));
  const clients = await Promise.all(channels.map((channel) => RoomClient.open(room, channel)));
  for (const client of clients) await client.send({ sessionId: ANNA, mood: 'release' });
  await afterBroadcast();
  await room.pass(ROOM_SAVE_INTERVAL_MS);
  const before = [...watchers, ...clients].map(countsAt);
  await room.hibernate();
  const here = room.join();
  await here.heartbeat(sessionKey('lobby', BEN));
  await afterBroadcast();
  const after = [...watchers, ...clients].map(countsAt);
  expect(after).toEqual(before.map((counts, n) => (n % 3 === 1 ? [...counts, 2] : counts)));
  await clients[2]?.send({ mood: 'gratitude' });
  await afterBroadcast();
  expect(watchers[2]?.last?.moods).toMatchObject({ gratitude: 1, release: 0 });
  await clients[0]?.close();
  await room.pass(1_500);
  expect(await room.join().count()).toBe(0);
  expect(await room.join().count('lobby')).toBe(2);
});

it('a replica sends the sessions of channels again to a room that crashed', async () => {
  const here = room.join();
  await here.heartbeat(sessionKey('lobby', ANNA));
  await room.pass(ROOM_SAVE_INTERVAL_MS);
  await here.heartbeat(sessionKey('lobby', BEN));
  await here.heartbeat(sessionKey('post-7', CARL));
  await room.pass(1_100);
  await room.crash();
  await room.pass(1_500);
  await here.presence();
  await room.pass(1_500);
  expect(await room.join().count('lobby')).toBe(2);
  expect(await room.join().count('post-7')).toBe(1);
});
