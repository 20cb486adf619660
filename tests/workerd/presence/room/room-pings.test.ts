import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
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

describe('a leave from another tab', () => {
  it('a leave only refreshes a session with an open socket, and the answer contains the session', async () => {
    place.join(ANNA);
    const { version } = place.sync();
    await runtime.advance(1_000);
    const leave = { [ANNA]: { mood: null, lastSeen: START + 1_000 } };
    const kept = { mood: 'presence', lastSeen: START + 1_001 };
    const answer = place.sync(leave, version);
    expect(answer.sessions).toEqual(new Map([[ANNA, kept]]));
    // The session stays present all the time, so no other replica has a change to learn.
    expect(answer.version).toEqual(version);
    expect(place.sync({}, version).sessions.size).toBe(0);
    // A replica that lost the answer sends the leave again.
    expect(place.sync(leave, version).sessions).toEqual(new Map([[ANNA, kept]]));
    expect(place.sync(leave).sessions.get(ANNA)).toEqual(kept);
  });

  it('a leave that did not end a session does not keep it when its socket closes', async () => {
    const socket = place.join(ANNA);
    await runtime.advance(1_000);
    place.leave(ANNA);
    place.restart();
    place.close(socket);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a leave that did not end a session is saved as a refresh', async () => {
    place.join(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.leave(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(journal.saved.at(-1)?.sessions.get(ANNA)).toMatchObject({
      mood: 'presence',
      lastSeen: START + ROOM_SAVE_INTERVAL_MS + 1,
    });
  });

  it('a leave ends a session whose socket was last seen a TTL ago', async () => {
    place.join(ANNA);
    await runtime.advance(TTL - 1_000);
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.leave(ANNA);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a second leave does not bring back a session that left, though its socket pings again', async () => {
    const socket = place.join(ANNA);
    await runtime.advance(TTL - 1_000);
    place.heartbeat(ANNA);
    await runtime.advance(1_000);
    place.leave(ANNA);
    await runtime.advance(1_000);
    socket.lastPingAt = runtime.now();
    place.leave(ANNA);
    expect(place.recordOf(ANNA)).toBeUndefined();
  });

  it('a heartbeat from another tab changes the mood, and an older leave changes nothing', async () => {
    place.join(ANNA);
    await runtime.advance(1_000);
    place.heartbeat(ANNA, 'release');
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    place.sync({ [ANNA]: { mood: null, lastSeen: START + 500 } });
    expect(place.recordOf(ANNA)).toEqual({ mood: 'release', lastSeen: START + 1_000 });
  });
});

describe('a ping', () => {
  it('a session whose socket pings stays, and a session without pings expires', async () => {
    const [anna, ben] = [place.join(ANNA), place.join(BEN)];
    anna.lastPingAt = START + 20_000;
    await runtime.advance(TTL + 250);
    place.sync();
    expect(ben.closed?.code).toBe(1008);
    expect(anna.isOpen).toBe(true);
    expect(place.room.counts.presence).toBe(1);
  });

  it('one alarm applies the pings of all sockets', async () => {
    const sockets = Array.from({ length: 10 }, (_, n) => place.join(sessionId(n)));
    await runtime.advance(20_000);
    for (const socket of sockets) socket.lastPingAt = START + 20_000;
    expect(place.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(10_000);
    place.room.applyPings();
    expect(place.room.nextEnd()).toBe(START + 20_000 + TTL);
  });

  it('an alarm after a sync at the end of one session applies the pings, and the next alarm follows them', async () => {
    const first = place.join(ANNA);
    expect(place.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(5_000);
    const second = place.join(BEN);
    await runtime.advance(15_000);
    for (const socket of [first, second]) socket.lastPingAt = START + 20_000;
    await runtime.advance(10_000);
    place.sync();
    expect(place.room.nextEnd()).toBe(START + 5_000 + TTL);
    place.room.applyPings();
    expect(place.room.nextEnd()).toBe(START + 20_000 + TTL);
  });

  it('a room without open sockets or without sessions needs no alarm', async () => {
    place.heartbeat(ANNA);
    expect(place.room.nextEnd()).toBeUndefined();
    place.open();
    expect(place.room.nextEnd()).toBe(START + TTL);
    await runtime.advance(1);
    place.leave(ANNA);
    expect(place.room.nextEnd()).toBeUndefined();
  });
});

describe('a restart', () => {
  it('sessions of sockets that the room did not save are counted, broadcast and saved', async () => {
    place.heartbeat(BEN, 'release');
    const watcher = place.open();
    place.join(ANNA);
    const ben = place.join(BEN, 'gratitude');
    ben.lastPingAt = START + 10;
    await runtime.advance(10);
    place.heartbeat(BEN, 'release');
    // The journal has the heartbeat of Ben before he opened a socket, and nothing else.
    place.restart();
    const counts = { ...ZERO_COUNTS, presence: 1, release: 1 };
    expect(place.room.counts).toEqual(counts);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    expect(watcher.last?.moods).toEqual(counts);
    expect([...(journal.saved.at(-1)?.sessions.keys() ?? [])].sort()).toEqual([ANNA, BEN]);
  });

  it('a socket of a session that expired before the restart is closed', async () => {
    const socket = place.join(ANNA);
    await runtime.advance(TTL);
    place.restart();
    expect(socket.closed?.code).toBe(1008);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session that expired in the journal, and whose socket pings, keeps its saved mood', async () => {
    const socket = place.join(ANNA, 'gratitude');
    await runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
    place.heartbeat(ANNA, 'release');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    socket.lastPingAt = START + 25_000;
    await runtime.advance(TTL);
    place.restart();
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a session with an expired row and a later one keeps the mood of the later one', async () => {
    const socket = place.join(ANNA, 'gratitude');
    await runtime.advance(20_000);
    place.send(socket, { mood: 'release' });
    await runtime.advance(11_000);
    socket.lastPingAt = START + 30_000;
    place.heartbeat(BEN, 'connection');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.restart();
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, connection: 1, release: 1 });
  });

  it('a session that left in the journal, and whose socket joined later, has the mood of the socket', async () => {
    place.heartbeat(ANNA, 'release');
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    place.leave(ANNA);
    await runtime.advance(ROOM_SAVE_INTERVAL_MS);
    const saves = journal.saved.length;
    const socket = place.join(ANNA, 'gratitude');
    journal.saved.splice(saves);
    socket.lastPingAt = START + 25_000;
    await runtime.advance(TTL);
    place.restart();
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
  });
});
