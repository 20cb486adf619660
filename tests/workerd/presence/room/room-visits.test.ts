import { beforeEach, expect, it } from 'vitest';
import { ROOM_EXPIRY_STEP_MS, ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { sessionKey } from '../../../../src/presence/session-key';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const HOUR = 3_600_000;

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime } = memoryRoom);
});

const visits = () => memoryRoom.room.history().visits;

/** Advances the clock until every change is saved. */
const afterSave = () => runtime.advance(ROOM_SAVE_INTERVAL_MS);

it('each new session is a visit, by HTTP or by a socket', () => {
  memoryRoom.heartbeat(ANNA);
  memoryRoom.join(BEN);
  expect(visits()).toBe(2);
});

it('a session that moves to another replica, or also opens a socket, is not a new visit', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(10_000);
  memoryRoom.heartbeat(ANNA);
  memoryRoom.join(ANNA);
  expect(visits()).toBe(1);
});

it('a session that changes its mood is not a new visit', async () => {
  memoryRoom.heartbeat(ANNA, 'presence');
  await runtime.advance(1_000);
  memoryRoom.heartbeat(ANNA, 'release');
  expect(visits()).toBe(1);
});

it.each([
  ['a socket that reconnects', undefined],
  ['a tab that hands its session over to another tab', HANDOVER_CODE],
])('%s is not a new visit', async (_which, code) => {
  memoryRoom.close(memoryRoom.join(ANNA), code);
  await runtime.advance(1_000);
  memoryRoom.join(ANNA);
  expect(visits()).toBe(1);
});

it('a session that starts again within the TTL of its leave is not a new visit, and later it is one', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(1_000);
  memoryRoom.leave(ANNA);
  await runtime.advance(TTL - 1);
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(1);
  memoryRoom.leave(ANNA);
  await runtime.advance(TTL + 1);
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(2);
});

it('a session that starts again after it expired is a new visit', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(TTL + ROOM_EXPIRY_STEP_MS);
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(2);
});

it('the history excludes sessions of named channels from its visits and its peak', () => {
  memoryRoom.heartbeat(sessionKey('lobby', ANNA));
  expect(memoryRoom.room.history()).toMatchObject({ visits: 0, peak: { count: 0 } });
});

it('a session whose leave arrives before its first heartbeat is a visit with that heartbeat', async () => {
  memoryRoom.leave(ANNA);
  expect(visits()).toBe(0);
  await runtime.advance(1_000);
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(1);
  memoryRoom.leave(ANNA);
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(1);
});

it('a session that joins again after a restart broke its pinging socket is not a new visit', async () => {
  const socket = memoryRoom.join(ANNA);
  await afterSave();
  await memoryRoom.keepPinging([socket], HOUR);
  memoryRoom.restart([]);
  await runtime.advance(1_500);
  memoryRoom.join(ANNA);
  expect(visits()).toBe(1);
});

it('the history counts the sessions that a room of version 1.0 saved, also as visits', async () => {
  memoryRoom.heartbeat(ANNA);
  await afterSave();
  memoryRoom.history.write(new Map());
  await runtime.advance(TTL / 2);
  memoryRoom.restart([]);
  expect(memoryRoom.room.history()).toMatchObject({ visits: 1, peak: { count: 1 } });
});

it('a session whose last ping a sync applied is not a new visit after a restart broke its socket', async () => {
  const socket = memoryRoom.join(ANNA);
  await afterSave();
  await runtime.advance(25_000 - ROOM_SAVE_INTERVAL_MS);
  socket.lastPingAt = runtime.now();
  await runtime.advance(5_250);
  memoryRoom.heartbeat(BEN);
  await runtime.advance(500);
  memoryRoom.room.applyPings();
  await afterSave();
  memoryRoom.restart([]);
  memoryRoom.join(ANNA);
  expect(visits()).toBe(2);
});

it('a history whose save failed is saved five seconds later', async () => {
  memoryRoom.history.fails = true;
  memoryRoom.heartbeat(ANNA);
  memoryRoom.history.fails = false;
  await afterSave();
  memoryRoom.restart([]);
  expect(visits()).toBe(1);
  expect(memoryRoom.journal.saved).toHaveLength(1);
});

it('a save in the middle of a sync contains the visits of its sessions', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(1_000);
  const now = runtime.now();
  const heartbeats = Array.from({ length: ROOM_UNSAVED_MAX }, (_, n) => [
    sessionId(n),
    { mood: 'presence', lastSeen: now },
  ]);
  memoryRoom.sync(Object.fromEntries(heartbeats));
  memoryRoom.restart([]);
  expect(visits()).toBe(ROOM_UNSAVED_MAX);
});

it('the sessions that a restarted room restores are not new visits, also those of sockets', async () => {
  memoryRoom.heartbeat(ANNA);
  memoryRoom.join(BEN);
  await afterSave();
  memoryRoom.restart();
  memoryRoom.heartbeat(ANNA);
  expect(visits()).toBe(2);
});

it('a session that a crash lost before its save is one visit when it starts again', async () => {
  memoryRoom.heartbeat(ANNA);
  await runtime.advance(1_000);
  memoryRoom.heartbeat(BEN);
  memoryRoom.restart([]);
  expect(visits()).toBe(1);
  memoryRoom.heartbeat(BEN);
  expect(visits()).toBe(2);
});
