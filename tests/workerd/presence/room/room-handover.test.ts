import { beforeEach, expect, it, vi } from 'vitest';
import { ROOM_EXPIRY_STEP_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let place: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime } = place);
});

/** The client closes its socket because another tab continues the session. */
const handOver = (socket: FakeSocket) => place.close(socket, HANDOVER_CODE);

/** Checks that the session is present until this time (ms), and not one step later. */
async function expectPresentUntil(id: string, time: number): Promise<void> {
  await runtime.advance(time - 1 - runtime.now());
  expect(place.recordOf(id)).toBeDefined();
  await runtime.advance(1 + ROOM_EXPIRY_STEP_MS);
  expect(place.recordOf(id)).toBeUndefined();
}

it('a handover keeps its session until one TTL after the last message', async () => {
  const socket = place.join(ANNA, 'release');
  await runtime.advance(5_000);
  handOver(socket);
  expect(socket.closed?.code).toBe(1000);
  expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  await expectPresentUntil(ANNA, START + TTL);
});

it('a handover keeps its session until one TTL after the last ping', async () => {
  const socket = place.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(25_000);
  handOver(socket);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover of a session that the room did not expire in time keeps it until one TTL after the last ping', async () => {
  const socket = place.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  handOver(socket);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover one TTL after the last ping ends the session', async () => {
  const socket = place.join(ANNA);
  await runtime.advance(TTL + ROOM_EXPIRY_STEP_MS);
  handOver(socket);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it.each([1000, 1001, 1005, 1006, 3999, 4001])('a close with the code %i ends its session', (code) => {
  const socket = place.join(ANNA);
  place.close(socket, code);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it('a session on a socket of another tab continues after the handover, and ends with that socket', async () => {
  const first = place.join(ANNA);
  await runtime.advance(20_000);
  first.lastPingAt = runtime.now();
  handOver(first);
  await runtime.advance(20_000);
  expect(place.recordOf(ANNA)).toBeDefined();
  const second = place.join(ANNA);
  await runtime.advance(20_000);
  expect(place.recordOf(ANNA)).toBeDefined();
  place.close(second, 1000);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover to a socket that is open already refreshes the session, and it ends with that socket', async () => {
  const [first, second] = [place.join(ANNA), place.join(ANNA)];
  await runtime.advance(20_000);
  first.lastPingAt = runtime.now();
  handOver(first);
  await runtime.advance(TTL - 1_000);
  // The other socket was last seen more than a TTL ago.
  expect(place.recordOf(ANNA)).toBeDefined();
  place.close(second, 1000);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it('a leave by HTTP ends a session after its handover', async () => {
  handOver(place.join(ANNA));
  await runtime.advance(1_000);
  expect(place.room.counts.presence).toBe(1);
  place.leave(ANNA);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover does not bring back the mood that another tab changed', async () => {
  const socket = place.join(ANNA, 'gratitude');
  await runtime.advance(1_000);
  place.heartbeat(ANNA, 'release');
  socket.lastPingAt = START + 5_000;
  await runtime.advance(5_000);
  handOver(socket);
  expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
});

it('a handover that starts the object keeps the session until one TTL after the last ping', async () => {
  const socket = place.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  // The platform no longer lists the socket, and the journal has its join only.
  place.restart([]);
  handOver(socket);
  expect(place.room.counts.presence).toBe(1);
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover is saved, and a restart does not lengthen the session', async () => {
  const socket = place.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(25_000);
  handOver(socket);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  place.restart();
  await expectPresentUntil(ANNA, START + 20_000 + TTL);
});

it('a handover leaves an alarm for the end of its session while another socket watches', async () => {
  place.open();
  const socket = place.join(ANNA);
  socket.lastPingAt = START + 20_000;
  await runtime.advance(TTL + 5_000);
  handOver(socket);
  expect(place.room.nextEnd()).toBe(START + 20_000 + TTL);
});

it('a handover of a socket that never joined changes nothing', () => {
  place.join(BEN);
  const watcher = place.open();
  const saves = place.journal.saved.length;
  handOver(watcher);
  expect(place.room.counts).toEqual({ ...ZERO_COUNTS, presence: 1 });
  expect(place.journal.saved).toHaveLength(saves);
});

it('a handover of a socket that the room closed does not bring back its session', async () => {
  const socket = place.join(ANNA);
  place.send(socket, '{');
  handOver(socket);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
  await runtime.advance(ROOM_SAVE_INTERVAL_MS);
  place.restart([]);
  handOver(socket);
  expect(place.room.counts).toEqual(ZERO_COUNTS);
});

it('a handover that starts a full room does not add its session', () => {
  const socket = place.join(ANNA);
  place.journal.saved.length = 0;
  const full = vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
  place.restart([]);
  handOver(socket);
  full.mockRestore();
  expect(place.room.counts).toEqual(ZERO_COUNTS);
  expect(place.reports).toHaveLength(1);
});
