import { beforeEach, expect, it, vi } from 'vitest';
import { ROOM_EXPIRY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime } = memoryRoom);
});

/** Closes a socket with the code of a handover: another tab continues the session. */
const handOver = (socket: FakeSocket) => memoryRoom.close(socket, HANDOVER_CODE);

/** Checks that the session is present until `time` (ms), and absent one expiry step later. */
async function expectPresentUntil(id: string, time: number): Promise<void> {
  await runtime.advance(time - 1 - runtime.now());
  expect(memoryRoom.recordOf(id)).toBeDefined();
  await runtime.advance(1 + ROOM_EXPIRY_STEP_MS);
  expect(memoryRoom.recordOf(id)).toBeUndefined();
}

it('a handover keeps its session until one TTL after the last message', async () => {
  const socket = memoryRoom.join(ANNA, 'release');
  await runtime.advance(5_000);
  handOver(socket);
  expect(socket.closed?.code).toBe(1000);
  expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  await expectPresentUntil(ANNA, START + TTL);
});

it('a handover keeps its session until one TTL after the last ping', async () => {
  const socket = memoryRoom.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(25_000);
  handOver(socket);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover keeps a session whose expiry is overdue until one TTL after the last ping', async () => {
  const socket = memoryRoom.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  handOver(socket);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover one TTL after the last ping ends the session', async () => {
  const socket = memoryRoom.join(ANNA);
  await runtime.advance(TTL + ROOM_EXPIRY_STEP_MS);
  handOver(socket);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it.each([1000, 1001, 1005, 1006, 3999, 4001])('a close with the code %i ends its session', (code) => {
  const socket = memoryRoom.join(ANNA);
  memoryRoom.close(socket, code);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it('a session that joins on a new socket after a handover continues, and ends with that socket', async () => {
  const first = memoryRoom.join(ANNA);
  await runtime.advance(20_000);
  first.lastPingAt = runtime.now();
  handOver(first);
  await runtime.advance(20_000);
  expect(memoryRoom.recordOf(ANNA)).toBeDefined();
  const second = memoryRoom.join(ANNA);
  await runtime.advance(20_000);
  expect(memoryRoom.recordOf(ANNA)).toBeDefined();
  memoryRoom.close(second, 1000);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover refreshes a session with another open socket, and the session ends with that socket', async () => {
  const [first, second] = [memoryRoom.join(ANNA), memoryRoom.join(ANNA)];
  await runtime.advance(20_000);
  first.lastPingAt = runtime.now();
  handOver(first);
  await runtime.advance(TTL - 1_000);
  // The other socket was last seen more than a TTL ago.
  expect(memoryRoom.recordOf(ANNA)).toBeDefined();
  memoryRoom.close(second, 1000);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it('a leave by HTTP ends a session after its handover', async () => {
  handOver(memoryRoom.join(ANNA));
  await runtime.advance(1_000);
  expect(memoryRoom.room.counts.presence).toBe(1);
  memoryRoom.leave(ANNA);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover keeps the mood that another tab has set since', async () => {
  const socket = memoryRoom.join(ANNA, 'gratitude');
  await runtime.advance(1_000);
  memoryRoom.heartbeat(ANNA, 'release');
  socket.lastPingAt = START + 5_000;
  await runtime.advance(5_000);
  handOver(socket);
  expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
});

it('a handover that restarts the room keeps the session until one TTL after the last ping', async () => {
  const socket = memoryRoom.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  // The platform no longer lists the socket, and the journal holds only its join.
  memoryRoom.restart([]);
  handOver(socket);
  expect(memoryRoom.room.counts.presence).toBe(1);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover is saved, and a restart after it does not lengthen the session', async () => {
  const socket = memoryRoom.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(25_000);
  handOver(socket);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  memoryRoom.restart();
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('the next end after a handover is that of its session, while another socket watches', async () => {
  memoryRoom.open();
  const socket = memoryRoom.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  handOver(socket);
  expect(memoryRoom.room.nextEnd()).toBe(START + 20_000 + TTL);
});

it('a handover of a socket that never joined changes nothing', () => {
  memoryRoom.join(BEN);
  const watcher = memoryRoom.open();
  const saves = memoryRoom.journal.saved.length;
  handOver(watcher);
  expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  expect(memoryRoom.journal.saved).toHaveLength(saves);
});

it('a handover of a socket that the room closed does not restore its session', async () => {
  const socket = memoryRoom.join(ANNA);
  memoryRoom.send(socket, '{');
  handOver(socket);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  memoryRoom.restart([]);
  handOver(socket);
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover that restarts a full room does not add its session', () => {
  const socket = memoryRoom.join(ANNA);
  memoryRoom.journal.saved.length = 0;
  const full = vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
  memoryRoom.restart([]);
  handOver(socket);
  full.mockRestore();
  expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  expect(memoryRoom.reports).toHaveLength(1);
});
