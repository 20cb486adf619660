import { beforeEach, expect, it } from 'vitest';
import { HISTORY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { MemoryRoom } from './memory-room';

const [ANNA, BEN, CLEO] = [sessionId(1), sessionId(2), sessionId(3)];
const HOUR = 3_600_000;

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime } = memoryRoom);
});

const visits = () => memoryRoom.room.history().visits;
/** The counts of the last `length` steps. The running step is the last one. */
const lastCounts = (length: number) => memoryRoom.room.history().counts.slice(-length);

/** Advances the clock until every change is saved. */
const afterSave = () => runtime.advance(ROOM_SAVE_INTERVAL_MS);

it('a session that starts and one that leaves in the same sync do not count at once', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(1_000);
  const now = runtime.now();
  memoryRoom.sync({ [BEN]: { mood: 'presence', lastSeen: now }, [ANNA]: { mood: null, lastSeen: now } });
  expect(memoryRoom.room.history().peak.count).toBe(1);
});

it.each([
  ['that stays in memory', () => undefined],
  ['that restarts', () => memoryRoom.restart([])],
])(
  'sessions that expire between calls end at their own time in the history of a room %s',
  async (_which, restart) => {
    memoryRoom.heartbeat(ANNA);
    memoryRoom.heartbeat(BEN);
    await afterSave();
    await runtime.advance(3 * HOUR);
    restart();
    expect(lastCounts(4)).toEqual([0, 0, 0, 0]);
    expect(lastCounts(37)).toEqual([2, ...Array.from({ length: 36 }, () => 0)]);
  },
);

it('a session ends in the history a TTL after its last heartbeat', async () => {
  await runtime.advance(HISTORY_STEP_MS - 55_000);
  for (let n = 0; n < 4; n += 1) {
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(10_000);
  }
  await runtime.advance(2 * HISTORY_STEP_MS - 1);
  expect(lastCounts(3)).toEqual([1, 1, 0]);
});

it('a session on a socket ends in the history a TTL after its last ping, also if the alarm is late', async () => {
  const socket = memoryRoom.join(ANNA);
  await afterSave();
  await runtime.advance(HISTORY_STEP_MS - 35_000 - ROOM_SAVE_INTERVAL_MS);
  memoryRoom.send(socket, { mood: 'release' });
  socket.lastPingAt = runtime.now() + 10_000;
  await runtime.advance(HISTORY_STEP_MS);
  memoryRoom.room.applyPings();
  expect(lastCounts(2)).toEqual([1, 1]);
  await runtime.advance(HISTORY_STEP_MS);
  expect(lastCounts(2)).toEqual([1, 0]);
});

it('a session that expires in the next step counts in that step too, after a restart', async () => {
  await runtime.advance(HISTORY_STEP_MS - 20_000);
  memoryRoom.heartbeat(ANNA);
  await afterSave();
  await runtime.advance(HISTORY_STEP_MS);
  memoryRoom.restart([]);
  expect(lastCounts(2)).toEqual([1, 1]);
  await runtime.advance(HISTORY_STEP_MS);
  expect(lastCounts(3)).toEqual([1, 1, 0]);
});

it('sessions on pinging sockets keep their count in each step with one row, also over restarts', async () => {
  const sockets = [memoryRoom.join(ANNA), memoryRoom.join(BEN)];
  await afterSave();
  await memoryRoom.keepPinging(sockets, HOUR);
  expect(lastCounts(12)).toEqual(Array.from({ length: 12 }, () => 2));
  expect(visits()).toBe(2);
  expect(memoryRoom.history.read()).toHaveLength(1);
  // The close of the first socket restarts the room, which no longer has this socket.
  memoryRoom.restart(sockets.slice(1));
  for (const socket of sockets) memoryRoom.close(socket);
  expect(lastCounts(13)).toEqual(Array.from({ length: 13 }, () => 2));
  await runtime.advance(HISTORY_STEP_MS);
  expect(lastCounts(2)).toEqual([2, 0]);
});

it('a history covers 24 hours, and deletes older rows', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(25 * HOUR);
  memoryRoom.heartbeat(BEN);
  await afterSave();
  expect(memoryRoom.room.history()).toMatchObject({ visits: 1, peak: { count: 1 } });
  await runtime.advance(25 * HOUR);
  memoryRoom.heartbeat(CLEO);
  await afterSave();
  expect(memoryRoom.history.read().length).toBeLessThanOrEqual(2);
});

it('a room whose clock steps back moves later events into the running step of the history', async () => {
  await runtime.advance(2 * HISTORY_STEP_MS);
  memoryRoom.heartbeat(ANNA);
  memoryRoom.heartbeat(BEN);
  await runtime.advance(-HISTORY_STEP_MS);
  memoryRoom.leave(BEN);
  expect(lastCounts(2)).toEqual([0, 2]);
  expect(visits()).toBe(2);
});

it('a room that restarts with a clock before its last save keeps its history', async () => {
  await runtime.advance(2 * HISTORY_STEP_MS);
  memoryRoom.heartbeat(ANNA);
  await afterSave();
  await runtime.advance(-HISTORY_STEP_MS);
  memoryRoom.restart([]);
  expect(lastCounts(2)).toEqual([0, 1]);
  expect(visits()).toBe(1);
});

it('a read of the history starts no save', async () => {
  memoryRoom.heartbeat(ANNA);
  await afterSave();
  const saves = memoryRoom.journal.saved.length;
  await runtime.advance(HOUR);
  memoryRoom.room.history();
  await afterSave();
  expect(memoryRoom.journal.saved).toHaveLength(saves);
});
