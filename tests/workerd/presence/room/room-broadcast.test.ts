import { beforeEach, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import type { MemoryJournal } from './memory-journal';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
let journal: MemoryJournal;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime, journal } = memoryRoom);
});

const countsAt = ({ received }: FakeSocket) => received.map(({ count }) => count);

it('a new socket receives the counts at once', () => {
  memoryRoom.heartbeat(ANNA, 'gratitude');
  expect(memoryRoom.open().received).toEqual([
    { count: 1, moods: { ...ZERO_COUNTS, gratitude: 1 }, timestamp: runtime.now() },
  ]);
});

it('a new socket does not receive sessions that expired since the last call', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(TTL);
  expect(countsAt(memoryRoom.open())).toEqual([0]);
});

it('sockets receive the first change at once, and later changes at most once a second', async () => {
  const watcher = memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  expect(countsAt(watcher)).toEqual([0, 1]);
  for (let n = 0; n < 30; n += 1) {
    await runtime.advance(LIVE_BROADCAST_INTERVAL_MS / 10);
    memoryRoom.heartbeat(ANNA, n % 2 === 0 ? 'release' : 'presence');
  }
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(watcher.received.length).toBeLessThanOrEqual(6);
  expect(watcher.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('sockets receive a second change exactly one second after the first broadcast', async () => {
  const watcher = memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS - 100);
  memoryRoom.heartbeat(BEN);
  await runtime.advance(99);
  expect(countsAt(watcher)).toEqual([0, 1]);
  await runtime.advance(1);
  expect(countsAt(watcher)).toEqual([0, 1, 2]);
});

it('sockets receive no message while the counts stay the same', async () => {
  memoryRoom.heartbeat(ANNA);
  const watcher = memoryRoom.open();
  memoryRoom.sync();
  memoryRoom.heartbeat(ANNA);
  memoryRoom.send(memoryRoom.join(ANNA), { mood: 'presence' });
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(countsAt(watcher)).toEqual([1]);
});

it('a socket that opens between a change and its reversal receives the reversed counts', async () => {
  const before = memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(1);
  memoryRoom.heartbeat(ANNA, 'release');
  const between = memoryRoom.open();
  await runtime.advance(1);
  memoryRoom.heartbeat(ANNA, 'presence');
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(between.received.map(({ moods }) => moods)).toEqual([
    { ...ZERO_COUNTS, release: 1 },
    { ...ZERO_COUNTS, presence: 1 },
  ]);
  expect(countsAt(before)).toEqual([0, 1]);
});

it('a restarted room sends a change to a new socket, although earlier changes had no receiver', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(TTL + 250);
  memoryRoom.sync();
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  memoryRoom.restart();
  const watcher = memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(countsAt(watcher)).toEqual([0, 1]);
});

it('a change without watchers is saved once, with its counts', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS + ROOM_SAVE_INTERVAL_MS);
  expect(journal.saved.map(({ lastBroadcasts }) => lastBroadcasts.get(''))).toEqual([
    { ...ZERO_COUNTS, presence: 1 },
  ]);
});

it('the counts of a broadcast are saved, though no session changed since the last save', async () => {
  memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS - 500);
  memoryRoom.heartbeat(BEN);
  memoryRoom.heartbeat(ANNA, 'release');
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  expect(journal.saved.at(-1)?.lastBroadcasts.get('')).toEqual({ ...ZERO_COUNTS, presence: 1, release: 1 });
});

it('the first broadcast after a restart excludes sessions that expired before it', async () => {
  const watcher = memoryRoom.open();
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  await runtime.advance(TTL);
  memoryRoom.restart();
  expect(watcher.last?.moods).toEqual(ZERO_COUNTS);
});
