import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  LIVE_SOCKETS_MAX,
  ROOM_ALARM_GAP_MS,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SAVE_INTERVAL_MS,
} from '../../../src/limits';
import { LiveSockets } from '../../../src/presence/room/live-sockets';
import { RoomSessions } from '../../../src/presence/room/room-sessions';
import { HANDOVER_CODE } from '../../../src/presence/room/socket-message';
import { sessionId } from '../../support/session-id';
import { RealRoom, SECOND, TIMING } from './real-room';
import { delivered, RoomClient, requestSocket } from './room-client';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Returns a list of the times for which the room sets an alarm from now on (ms). */
async function watchAlarms(): Promise<readonly unknown[]> {
  const alarms: unknown[] = [];
  await room.inside(({ storage }) => {
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (at) => {
      alarms.push(at);
      return setAlarm(at);
    };
  });
  return alarms;
}

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

  it('an alarm at the end of a session sends the new counts to the sockets', async () => {
    const watcher = await RoomClient.open(room);
    await room.join().heartbeat(ANNA);
    await room.pass(SECOND);
    await delivered(room);
    expect(watcher.last?.count).toBe(1);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    vi.setSystemTime((await room.alarmAt()) ?? 0);
    expect(await room.runAlarm()).toBe(true);
    await room.pass(SECOND);
    await delivered(room);
    expect(watcher.last?.count).toBe(0);
    // No session is left, so no alarm is set.
    expect(await room.runAlarm()).toBe(false);
  });
});

describe('the session of a socket', () => {
  it('an alarm closes a socket without pings after hibernation, and no alarm remains', async () => {
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    vi.setSystemTime((await room.alarmAt()) ?? 0);
    await room.hibernate();
    expect(await room.runAlarm()).toBe(true);
    expect(await anna.closed.promise).toMatchObject({ code: 1008 });
    expect(await room.alarmAt()).toBeNull();
  });

  it('a session on two sockets is present until both are closed', async () => {
    const [first, second] = [await RoomClient.open(room), await RoomClient.open(room)];
    await first.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(5 * SECOND);
    await second.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(SECOND);
    await second.close();
    expect(await room.join().count()).toBe(1);
    await first.close();
    expect(await room.join().count()).toBe(0);
  });

  it('a session leaves when its socket breaks', async () => {
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    expect(await room.join().count()).toBe(1);
    await room.inside((state, object) => {
      for (const socket of state.getWebSockets()) object.webSocketError(socket);
    });
    expect(await room.join().count()).toBe(0);
  });

  it('a new socket does not receive sessions that expired since the last call', async () => {
    await room.join().heartbeat(ANNA);
    await room.pass(TIMING.ttlMs + ROOM_EXPIRY_STEP_MS);
    const watcher = await RoomClient.open(room);
    await delivered(room);
    expect(watcher.states.map(({ count }) => count)).toEqual([0]);
  });

  it('a client receives the close that answers its own close, also after hibernation', async () => {
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.hibernate();
    await anna.close();
    expect(await anna.closed.promise).toMatchObject({ code: 1000 });
    expect(await room.join().count()).toBe(0);
  });
});

describe('a handover', () => {
  /** Joins `ms` ago, and pings now. The platform stamps the ping with its own clock. */
  async function joinAndPing(ms: number): Promise<RoomClient> {
    const pingAt = Date.now();
    vi.setSystemTime(pingAt - ms);
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    vi.setSystemTime(pingAt);
    await anna.ping();
    return anna;
  }

  /** Checks that the session is present 29 s after the ping, and absent 2 s later. */
  async function expectOneTtl(sincePing = 0): Promise<void> {
    await room.pass(TIMING.ttlMs - SECOND - sincePing);
    expect(await room.join().count()).toBe(1);
    await room.pass(2 * SECOND);
    expect(await room.join().count()).toBe(0);
  }

  it('a session stays for one TTL after the last ping when its socket closes with 4000', async () => {
    const anna = await joinAndPing(20 * SECOND);
    await anna.close(HANDOVER_CODE);
    expect(await anna.closed.promise).toMatchObject({ code: 1000 });
    expect(await room.join().count()).toBe(1);
    await expectOneTtl();
  });

  it('a session without another socket expires one TTL after its last ping, also after hibernation', async () => {
    const anna = await joinAndPing(20 * SECOND);
    await anna.close(HANDOVER_CODE);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    await expectOneTtl(ROOM_SAVE_INTERVAL_MS);
  });

  it('a close with 4000 that restarts the room keeps the session for one TTL after the last ping', async () => {
    const anna = await joinAndPing(20 * SECOND);
    await room.hibernate();
    await room.pass(15 * SECOND);
    await room.hibernate();
    await anna.close(HANDOVER_CODE);
    expect(await room.join().count()).toBe(1);
    await expectOneTtl(15 * SECOND);
  });

  it('a session stays when another socket joins within one TTL of a close with 4000', async () => {
    const anna = await joinAndPing(0);
    await anna.close(HANDOVER_CODE);
    await room.pass(20 * SECOND);
    expect(await room.join().count()).toBe(1);
    const other = await RoomClient.open(room);
    await other.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(20 * SECOND);
    expect(await room.join().count()).toBe(1);
    await other.close(1000);
    expect(await room.join().count()).toBe(0);
  });

  it('an alarm sends the expiry of a session to the other sockets, also after hibernation', async () => {
    const watcher = await RoomClient.open(room);
    const anna = await joinAndPing(0);
    await anna.close(HANDOVER_CODE);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    const end = Date.now() - ROOM_SAVE_INTERVAL_MS + TIMING.ttlMs;
    for (let alarms = 0; alarms < 2 && watcher.last?.count !== 0; alarms += 1) {
      const at = (await room.alarmAt()) ?? 0;
      // The platform stamps the ping later than this clock. Then a second alarm follows the first one.
      expect(at).toBeLessThanOrEqual(end + ROOM_ALARM_GAP_MS + 2 * ROOM_EXPIRY_STEP_MS);
      vi.setSystemTime(at);
      await room.runAlarm();
      await room.pass(SECOND);
      await delivered(room);
    }
    expect(watcher.last?.count).toBe(0);
    expect(await room.alarmAt()).toBeNull();
  });

  it('a close with 4000 sets the alarm if none is set', async () => {
    await RoomClient.open(room);
    const anna = await joinAndPing(0);
    await room.inside(({ storage }) => storage.deleteAlarm());
    await room.hibernate();
    await anna.close(HANDOVER_CODE);
    expect(await room.alarmAt()).not.toBeNull();
  });
});

describe('a live socket', () => {
  it('a socket keeps its session id over hibernation', async () => {
    const client = await RoomClient.open(room);
    await client.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    await client.send({ sessionId: BEN, mood: 'release' });
    expect(await client.closed.promise).toMatchObject({ code: 1008 });
    expect(await room.join().count()).toBe(0);
  });

  it('a full room closes two sockets that join with 1013, and logs one line', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const clients = [await RoomClient.open(room), await RoomClient.open(room)];
    vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
    for (const [n, client] of clients.entries()) {
      await client.send({ sessionId: sessionId(n), mood: 'gratitude' });
      expect(await client.closed.promise).toEqual({
        code: 1013,
        reason: 'The room is full. Try again later.',
      });
    }
    expect(warn.mock.calls).toHaveLength(1);
    expect(String(warn.mock.calls[0])).toContain('the room is full');
    expect(await room.join().count()).toBe(0);
  });

  it('a room with the most open sockets refuses another socket with 503', async () => {
    const size = vi.spyOn(LiveSockets.prototype, 'size', 'get');
    size.mockReturnValue(LIVE_SOCKETS_MAX - 1);
    expect((await requestSocket(room)).status).toBe(101);
    size.mockReturnValue(LIVE_SOCKETS_MAX);
    expect((await requestSocket(room)).status).toBe(503);
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

describe('the alarm', () => {
  it('a room sets its alarm earlier for a session whose record arrived late', async () => {
    await RoomClient.open(room);
    await room.join().heartbeat(ANNA);
    await room.pass(SECOND);
    const first = (await room.alarmAt()) ?? 0;
    const late = { mood: 'presence', lastSeen: Date.now() - 20 * SECOND } as const;
    await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect(first - ((await room.alarmAt()) ?? 0)).toBeGreaterThan(15 * SECOND);
  });

  it('a socket that opens sets the alarm for the end that follows from the last heartbeat', async () => {
    const watcher = await RoomClient.open(room);
    const here = room.join();
    await here.heartbeat(ANNA);
    await watcher.close();
    await room.inside(({ storage }) => storage.deleteAlarm());
    await room.hibernate();
    await room.pass(20 * SECOND);
    await here.heartbeat(ANNA);
    await room.pass(5 * SECOND);
    await here.presence();
    await RoomClient.open(room);
    expect(((await room.alarmAt()) ?? 0) - Date.now()).toBeGreaterThan(24 * SECOND);
  });

  it('a room sets its alarm at least one second ahead', async () => {
    await RoomClient.open(room);
    const late = { mood: 'presence', lastSeen: Date.now() - TIMING.ttlMs + 300 } as const;
    await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect((await room.alarmAt()) ?? 0).toBeGreaterThanOrEqual(Date.now() + ROOM_ALARM_GAP_MS);
  });

  it('later sessions neither delay the alarm nor set it again', async () => {
    await RoomClient.open(room);
    const alarms = await watchAlarms();
    const here = room.join();
    await here.heartbeat(ANNA);
    await room.join().heartbeat(BEN);
    const first = await room.alarmAt();
    await room.pass(5 * SECOND);
    await room.join().heartbeat(sessionId(3));
    expect(await room.alarmAt()).toBe(first);
    expect(alarms).toEqual([first]);
  });

  it('a room does not set the alarm again after hibernation', async () => {
    await RoomClient.open(room);
    const here = room.join();
    await here.heartbeat(ANNA);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    const alarms = await watchAlarms();
    await here.heartbeat(ANNA);
    await room.pass(SECOND);
    await here.presence();
    expect(alarms).toEqual([]);
  });
});
