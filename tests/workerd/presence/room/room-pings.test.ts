import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
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

describe('a leave from another tab', () => {
  it('a leave only refreshes a session with an open socket, and the answer contains the session', async () => {
    memoryRoom.join(ANNA);
    const { version } = memoryRoom.sync();
    await runtime.advance(1_000);
    const leave = { [ANNA]: { mood: null, lastSeen: START + 1_000 } };
    const kept = { mood: 'presence', lastSeen: START + 1_001 };
    const answer = memoryRoom.sync(leave, version);
    expect(answer.sessions).toEqual(new Map([[ANNA, kept]]));
    // The session stays present, so the room has no change for other replicas.
    expect(answer.version).toEqual(version);
    expect(memoryRoom.sync({}, version).sessions.size).toBe(0);
    // A replica that lost the answer sends the leave again.
    expect(memoryRoom.sync(leave, version).sessions).toEqual(new Map([[ANNA, kept]]));
    expect(memoryRoom.sync(leave).sessions.get(ANNA)).toEqual(kept);
  });

  it('a leave that only refreshed a session does not keep it when its socket closes', async () => {
    const socket = memoryRoom.join(ANNA);
    await runtime.advance(1_000);
    memoryRoom.leave(ANNA);
    // The journal then holds the later time, and the socket must hold it too.
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    memoryRoom.restart();
    expect(memoryRoom.room.counts.presence).toBe(1);
    memoryRoom.close(socket);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a leave that only refreshed a session is saved as a heartbeat', async () => {
    memoryRoom.join(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    memoryRoom.leave(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.at(-1)?.sessions.get(ANNA)).toMatchObject({
      mood: 'presence',
      lastSeen: START + ROOM_SAVE_INTERVAL_MS + 1,
    });
  });

  it('a leave ends a session whose socket was last seen a TTL ago', async () => {
    memoryRoom.join(ANNA);
    await runtime.advance(TTL - 1_000);
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(1_000);
    memoryRoom.leave(ANNA);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a second leave does not restore a session that left, although its socket pings again', async () => {
    const socket = memoryRoom.join(ANNA);
    await runtime.advance(TTL - 1_000);
    memoryRoom.heartbeat(ANNA);
    await runtime.advance(1_000);
    memoryRoom.leave(ANNA);
    await runtime.advance(1_000);
    socket.lastPingAt = runtime.now();
    memoryRoom.leave(ANNA);
    expect(memoryRoom.recordOf(ANNA)).toBeUndefined();
  });

  it('a heartbeat from another tab changes the mood, and an older leave changes nothing', async () => {
    memoryRoom.join(ANNA);
    await runtime.advance(1_000);
    memoryRoom.heartbeat(ANNA, 'release');
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    memoryRoom.sync({ [ANNA]: { mood: null, lastSeen: START + 500 } });
    expect(memoryRoom.recordOf(ANNA)).toEqual({ mood: 'release', lastSeen: START + 1_000 });
  });
});

describe('a ping', () => {
  it('a session with a pinging socket stays present, and a session without pings expires', async () => {
    const [anna, ben] = [memoryRoom.join(ANNA), memoryRoom.join(BEN)];
    anna.lastPingAt = START + 20_000;
    await runtime.advance(TTL + 250);
    memoryRoom.sync();
    expect(ben.closed?.code).toBe(1008);
    expect(anna.isOpen).toBe(true);
    expect(memoryRoom.room.counts.presence).toBe(1);
  });

  it('one alarm applies the pings of all sockets', async () => {
    const sockets = Array.from({ length: 10 }, (_, n) => memoryRoom.join(sessionId(n)));
    await runtime.advance(20_000);
    for (const socket of sockets) socket.lastPingAt = START + 20_000;
    expect(memoryRoom.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(10_000);
    memoryRoom.room.applyPings();
    expect(memoryRoom.room.nextEnd()).toBe(START + 20_000 + TTL);
  });

  it('an alarm after a sync at the end of one session applies the pings, and the next alarm follows them', async () => {
    const first = memoryRoom.join(ANNA);
    expect(memoryRoom.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(5_000);
    const second = memoryRoom.join(BEN);
    await runtime.advance(15_000);
    for (const socket of [first, second]) socket.lastPingAt = START + 20_000;
    await runtime.advance(10_000);
    memoryRoom.sync();
    expect(memoryRoom.room.nextEnd()).toBe(START + 5_000 + TTL);
    memoryRoom.room.applyPings();
    expect(memoryRoom.room.nextEnd()).toBe(START + 20_000 + TTL);
  });

  it('a room without open sockets or without sessions needs no alarm', async () => {
    memoryRoom.heartbeat(ANNA);
    expect(memoryRoom.room.nextEnd()).toBeUndefined();
    memoryRoom.open();
    expect(memoryRoom.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(1);
    memoryRoom.leave(ANNA);
    expect(memoryRoom.room.nextEnd()).toBeUndefined();
  });
});

describe('a restart', () => {
  it('a restarted room counts, broadcasts and saves the unsaved sessions of its sockets', async () => {
    memoryRoom.heartbeat(BEN, 'release');
    const watcher = memoryRoom.open();
    memoryRoom.join(ANNA);
    const ben = memoryRoom.join(BEN, 'gratitude');
    ben.lastPingAt = START + 10;
    await runtime.advance(10);
    memoryRoom.heartbeat(BEN, 'release');
    // The journal holds only the first heartbeat of BEN, from before its socket.
    memoryRoom.restart();
    const counts = { ...ZERO_COUNTS, presence: 1, release: 1 };
    expect(memoryRoom.room.counts).toEqual(counts);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(watcher.last?.moods).toEqual(counts);
    expect([...(journal.saved.at(-1)?.sessions.keys() ?? [])].sort()).toEqual([ANNA, BEN]);
  });

  it('a restarted room closes the socket of a session that expired before the restart', async () => {
    const socket = memoryRoom.join(ANNA);
    await runtime.advance(TTL);
    memoryRoom.restart();
    expect(socket.closed?.code).toBe(1008);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session with an expired row and a pinging socket keeps its saved mood after a restart', async () => {
    const socket = memoryRoom.join(ANNA, 'gratitude');
    await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
    memoryRoom.heartbeat(ANNA, 'release');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    socket.lastPingAt = START + 25_000;
    await runtime.advance(TTL);
    memoryRoom.restart();
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a session with an expired row and a later row has the mood of the later row after a restart', async () => {
    const socket = memoryRoom.join(ANNA, 'gratitude');
    await runtime.advance(20_000);
    memoryRoom.send(socket, { mood: 'release' });
    await runtime.advance(11_000);
    socket.lastPingAt = START + 30_000;
    memoryRoom.heartbeat(BEN, 'connection');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    memoryRoom.restart();
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, connection: 1, release: 1 });
  });

  it('a session with a saved leave and a later join of a socket has the mood of the socket after a restart', async () => {
    memoryRoom.heartbeat(ANNA, 'release');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    memoryRoom.leave(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    const socket = memoryRoom.join(ANNA, 'gratitude');
    journal.saved.splice(saves);
    socket.lastPingAt = START + 25_000;
    await runtime.advance(TTL);
    memoryRoom.restart();
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
  });
});
