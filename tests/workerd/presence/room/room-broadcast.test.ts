import { beforeEach, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import type { MemoryJournal } from './memory-journal';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let place: MemoryRoom;
let runtime: FakeRuntime;
let journal: MemoryJournal;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime, journal } = place);
});

const countsAt = ({ received }: FakeSocket) => received.map(({ count }) => count);

it('a new socket receives the counts at once', () => {
  place.heartbeat(ANNA, 'gratitude');
  expect(place.open().received).toEqual([
    { count: 1, moods: { ...ZERO_COUNTS, gratitude: 1 }, timestamp: runtime.now() },
  ]);
});

it('a new socket does not receive sessions that expired since the last call', async () => {
  place.heartbeat(ANNA);
  await runtime.advance(TTL);
  expect(countsAt(place.open())).toEqual([0]);
});

it('sockets receive the first change at once, then changes at most once a second', async () => {
  const watcher = place.open();
  place.heartbeat(ANNA);
  expect(countsAt(watcher)).toEqual([0, 1]);
  for (let n = 0; n < 30; n += 1) {
    await runtime.advance(LIVE_BROADCAST_INTERVAL_MS / 10);
    place.heartbeat(ANNA, n % 2 === 0 ? 'release' : 'presence');
  }
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(watcher.received.length).toBeLessThanOrEqual(6);
  expect(watcher.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('sockets receive a second change one second after the first broadcast, however late in it the change came', async () => {
  const watcher = place.open();
  place.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS - 100);
  place.heartbeat(BEN);
  await runtime.advance(99);
  expect(countsAt(watcher)).toEqual([0, 1]);
  await runtime.advance(1);
  expect(countsAt(watcher)).toEqual([0, 1, 2]);
});

it('sockets receive nothing while the counts stay the same', async () => {
  place.heartbeat(ANNA);
  const watcher = place.open();
  place.sync();
  place.heartbeat(ANNA);
  place.send(place.join(ANNA), { mood: 'presence' });
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(countsAt(watcher)).toEqual([1]);
});

it('counts that return to those of the last broadcast reach the socket that opened in between', async () => {
  const before = place.open();
  place.heartbeat(ANNA);
  await runtime.advance(1);
  place.heartbeat(ANNA, 'release');
  const between = place.open();
  await runtime.advance(1);
  place.heartbeat(ANNA, 'presence');
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(between.received.map(({ moods }) => moods)).toEqual([
    { ...ZERO_COUNTS, release: 1 },
    { ...ZERO_COUNTS, presence: 1 },
  ]);
  expect(countsAt(before)).toEqual([0, 1]);
});

it('a broken socket does not stop the broadcast to the others', async () => {
  const [broken, watcher] = [place.join(ANNA), place.open()];
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  broken.isOpen = false;
  place.heartbeat(BEN);
  expect(countsAt(watcher)).toEqual([1, 2]);
  place.close(broken);
  expect(place.room.counts.presence).toBe(1);
});

it('counts without watchers count as broadcast: a restarted room sends later changes to a new socket', async () => {
  place.heartbeat(ANNA);
  await runtime.advance(TTL + 250);
  place.sync();
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  place.restart();
  const watcher = place.open();
  place.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  expect(countsAt(watcher)).toEqual([0, 1]);
});

it('a change without watchers is saved once, with its counts', async () => {
  place.heartbeat(ANNA);
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS + ROOM_SAVE_INTERVAL_MS);
  expect(journal.saved.map(({ lastBroadcasts }) => lastBroadcasts.get(''))).toEqual([
    { ...ZERO_COUNTS, presence: 1 },
  ]);
});

it('the counts of a broadcast are saved, though no session changed since the last save', async () => {
  place.open();
  place.heartbeat(ANNA);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS - 500);
  place.heartbeat(BEN);
  place.heartbeat(ANNA, 'release');
  await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  expect(journal.saved.at(-1)?.lastBroadcasts.get('')).toEqual({ ...ZERO_COUNTS, presence: 1, release: 1 });
});

it('sessions that expired before a restart are missing in the first broadcast after it', async () => {
  const watcher = place.open();
  place.heartbeat(ANNA);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  await runtime.advance(TTL);
  place.restart();
  expect(watcher.last?.moods).toEqual(ZERO_COUNTS);
});
