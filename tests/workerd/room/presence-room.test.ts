import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOM_SAVE_INTERVAL_MS } from '../../../src/limits';
import { sessionId } from '../../support/session-id';
import { RealRoom, SECOND } from './real-room';
import { delivered, RoomClient } from './room-client';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('memory loss', () => {
  it('a fresh replica receives all sessions with its first answer from a restarted room', async () => {
    const here = room.join();
    await here.heartbeat(ANNA, 'gratitude');
    await room.hibernate();
    expect((await room.join().presence()).moods).toMatchObject({ gratitude: 1 });
  });

  it('a replica has the right count with the first answer of a restarted room', async () => {
    const [here, there] = [room.join(), room.join()];
    await here.heartbeat(ANNA);
    await there.heartbeat(BEN);
    await room.pass(SECOND);
    await here.presence();
    expect(await here.count()).toBe(2);
    await room.hibernate();
    await room.pass(SECOND);
    expect(await here.count()).toBe(2);
    expect(await there.count()).toBe(2);
  });

  it('a room that lost unsaved changes receives them from a replica, and a session that left stays absent', async () => {
    const here = room.join();
    await here.heartbeat(ANNA);
    // The room saves the first change at once, and later changes after five seconds. So the crash loses them.
    await room.pass(SECOND);
    await here.heartbeat(BEN);
    await here.leave(ANNA);
    await room.pass(SECOND);
    await here.presence();
    await room.crash();
    await room.pass(SECOND);
    await here.presence();
    expect((await room.join().presence()).count).toBe(1);
  });

  it('a room saves the last change five seconds after the first one, without another call', async () => {
    const here = room.join();
    await here.heartbeat(ANNA);
    await room.pass(SECOND);
    await here.heartbeat(BEN);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.crash();
    expect(await room.join().count()).toBe(2);
  });

  it('a restart does not lengthen a saved session', async () => {
    await room.join().heartbeat(ANNA);
    await room.pass(20 * SECOND);
    await room.hibernate();
    await room.pass(9 * SECOND);
    expect(await room.join().count()).toBe(1);
    await room.pass(SECOND + 250);
    expect(await room.join().count()).toBe(0);
  });

  it('a room with an unreadable journal starts empty, works, and reports the unreadable entries', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await room.join().heartbeat(ANNA);
    await room.inside(({ storage }) =>
      storage.sql.exec("UPDATE journal SET sessions = '{\"x\": 1', told = 'nothing'"),
    );
    await room.hibernate();
    const here = room.join();
    expect(await here.count()).toBe(0);
    expect((await here.heartbeat(BEN)).count).toBe(1);
    expect(warn.mock.calls).toHaveLength(1);
    expect(String(warn.mock.calls[0])).toContain('2 stored entries could not be read');
  });
});

describe('a room whose storage fails', () => {
  /** Makes each statement throw. The returned function ends that. */
  async function breakJournal(): Promise<() => Promise<void>> {
    let exec: SqlStorage['exec'];
    await room.inside(({ storage: { sql } }) => {
      exec = sql.exec;
      sql.exec = () => {
        throw new Error('SQLITE_FULL');
      };
    });
    return () => room.inside(({ storage: { sql } }) => void Object.assign(sql, { exec }));
  }

  it('a room with failing storage serves calls and sockets, and saves all sessions after the failure', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const watcher = await RoomClient.open(room);
    const repairJournal = await breakJournal();
    const here = room.join();
    expect((await here.heartbeat(ANNA)).count).toBe(1);
    const client = await RoomClient.open(room);
    await client.send({ sessionId: BEN, mood: 'gratitude' });
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await delivered(room);
    expect(watcher.last?.count).toBe(2);
    expect(await room.join().count()).toBe(2);
    expect(String(warn.mock.calls[0])).toMatch(/the room could not save.*SQLITE_FULL/);
    await repairJournal();
    await here.heartbeat(ANNA);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.join().count();
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.crash();
    expect(await room.join().count()).toBe(2);
  });
});

describe('a room that hibernates', () => {
  it('a room has its sockets, moods and counts after hibernation', async () => {
    const [anna, ben, watcher] = [
      await RoomClient.open(room),
      await RoomClient.open(room),
      await RoomClient.open(room),
    ];
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await ben.send({ sessionId: BEN, mood: 'release' });
    await room.pass(SECOND);
    await room.hibernate();
    expect((await room.join().presence()).moods).toMatchObject({ gratitude: 1, release: 1 });
    await ben.send({ mood: 'connection' });
    await room.pass(SECOND);
    await delivered(room);
    expect(watcher.last?.moods).toMatchObject({ gratitude: 1, release: 0, connection: 1 });
    await room.hibernate();
    await anna.close();
    await room.pass(SECOND);
    await delivered(room);
    expect(watcher.last?.moods).toMatchObject({ gratitude: 0, connection: 1 });
    expect(ben.states.filter(({ count }) => count === 2)).not.toHaveLength(0);
  });

  it('a room does not send unchanged counts again after hibernation', async () => {
    const [anna, watcher] = [await RoomClient.open(room), await RoomClient.open(room)];
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(SECOND);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await delivered(room);
    const counts = () => watcher.states.map(({ count }) => count);
    expect(counts()).toEqual([0, 1]);
    await room.hibernate();
    await room.pass(20 * SECOND);
    await anna.send({ mood: 'gratitude' });
    await room.pass(SECOND);
    await delivered(room);
    expect(counts()).toEqual([0, 1]);
  });

  it('a ping does not restart a room that hibernates', async () => {
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.hibernate();
    await anna.ping();
    await expect(room.hibernate()).rejects.toThrow();
  });
});

it('a room reads a report with the keys of version 1.0, and answers with the same keys', async () => {
  const record = { mood: 'presence', lastSeen: Date.now() } as const;
  const first = await room.stub.sync({ known: undefined, heard: new Map([[ANNA, record]]) });
  expect(first).toStrictEqual({
    version: { epoch: expect.any(String), number: 1 },
    isAll: true,
    sessions: new Map([[ANNA, record]]),
  });
  const second = await room.stub.sync({ known: first.version, heard: new Map() });
  expect(second).toStrictEqual({ version: first.version, isAll: false, sessions: new Map() });
});
