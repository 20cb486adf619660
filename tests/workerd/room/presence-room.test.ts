import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  LIVE_SOCKETS_MAX,
  ROOM_ALARM_GAP_MS,
  ROOM_EXPIRY_STEP_MS,
  ROOM_SAVE_INTERVAL_MS,
} from '../../../src/limits';
import { LiveSockets } from '../../../src/presence/room/live-sockets';
import { RoomSessions } from '../../../src/presence/room/room-sessions';
import { sessionId } from '../../support/session-id';
import { delivered, Guest, knock } from './guest';
import { RealRoom, SECOND, TIMING } from './real-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Keeps the times for which the object sets an alarm from now on. */
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

describe('a room that has lost its memory', () => {
  it('shows a fresh replica everybody at its first answer', async () => {
    const here = room.join();
    await here.heartbeat(ANNA, 'gratitude');
    await room.hibernate();
    expect((await room.join().presence()).moods).toMatchObject({ gratitude: 1 });
  });

  it('shows a replica that knew it the right count at once, too', async () => {
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

  it('learns from a replica what it had not saved, and brings back nobody who has left', async () => {
    const here = room.join();
    await here.heartbeat(ANNA);
    // The first change is saved at once, what comes in the next five seconds is not.
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

  it('has saved by itself what changed last, five seconds later', async () => {
    const here = room.join();
    await here.heartbeat(ANNA);
    await room.pass(SECOND);
    await here.heartbeat(BEN);
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.crash();
    expect(await room.join().count()).toBe(2);
  });

  it('does not count for longer whom it saved', async () => {
    await room.join().heartbeat(ANNA);
    await room.pass(20 * SECOND);
    await room.hibernate();
    await room.pass(9 * SECOND);
    expect(await room.join().count()).toBe(1);
    await room.pass(SECOND + 250);
    expect(await room.join().count()).toBe(0);
  });

  it('begins anew if what it saved cannot be read', async () => {
    await room.join().heartbeat(ANNA);
    await room.inside(({ storage }) =>
      storage.sql.exec("UPDATE journal SET sessions = '{\"x\": 1', told = 'nothing'"),
    );
    await room.hibernate();
    const here = room.join();
    expect(await here.count()).toBe(0);
    expect((await here.heartbeat(BEN)).count).toBe(1);
  });
});

describe('a room that hibernates', () => {
  it('finds its sockets, moods and counts intact', async () => {
    const [anna, ben, watcher] = [await Guest.open(room), await Guest.open(room), await Guest.open(room)];
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

  it('tells nobody twice what it told before', async () => {
    const [anna, watcher] = [await Guest.open(room), await Guest.open(room)];
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

  it('answers ping without waking up', async () => {
    const anna = await Guest.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.hibernate();
    await anna.ping();
    await expect(room.hibernate()).rejects.toThrow();
  });

  it('is woken by an alarm when somebody falls silent, and tells those who watch', async () => {
    const watcher = await Guest.open(room);
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
    // Nobody is here any more, so nothing is to be waited for.
    expect(await room.runAlarm()).toBe(false);
  });
});

describe('a guest', () => {
  it('who has fallen silent while the room hibernated is closed, and no alarm is left', async () => {
    const anna = await Guest.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    vi.setSystemTime((await room.alarmAt()) ?? 0);
    await room.hibernate();
    expect(await room.runAlarm()).toBe(true);
    expect(await anna.closed.promise).toMatchObject({ code: 1008 });
    expect(await room.alarmAt()).toBeNull();
  });

  it('with two sockets is here until both have closed, and then no longer', async () => {
    const [first, second] = [await Guest.open(room), await Guest.open(room)];
    await first.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(5 * SECOND);
    await second.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(SECOND);
    await second.close();
    expect(await room.join().count()).toBe(1);
    await first.close();
    expect(await room.join().count()).toBe(0);
  });

  it('whose socket breaks has left', async () => {
    const anna = await Guest.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    expect(await room.join().count()).toBe(1);
    await room.inside((state, object) => {
      for (const socket of state.getWebSockets()) object.webSocketError(socket);
    });
    expect(await room.join().count()).toBe(0);
  });

  it('is shown nobody who has ended, though the room has not looked since', async () => {
    await room.join().heartbeat(ANNA);
    await room.pass(TIMING.ttlMs + ROOM_EXPIRY_STEP_MS);
    const watcher = await Guest.open(room);
    await delivered(room);
    expect(watcher.states.map(({ count }) => count)).toEqual([0]);
  });

  it('is told that his closing has been heard', async () => {
    const anna = await Guest.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.hibernate();
    await anna.close();
    expect(await anna.closed.promise).toMatchObject({ code: 1000 });
    expect(await room.join().count()).toBe(0);
  });
});

describe('a live socket', () => {
  it('keeps its id though the room has hibernated since it joined', async () => {
    const guest = await Guest.open(room);
    await guest.send({ sessionId: ANNA, mood: 'gratitude' });
    await room.pass(ROOM_SAVE_INTERVAL_MS);
    await room.hibernate();
    await guest.send({ sessionId: BEN, mood: 'release' });
    expect(await guest.closed.promise).toMatchObject({ code: 1008 });
    expect(await room.join().count()).toBe(0);
  });

  it('that joins a full room is closed with 1013, and the log says so in one line', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const guests = [await Guest.open(room), await Guest.open(room)];
    vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
    for (const [n, guest] of guests.entries()) {
      await guest.send({ sessionId: sessionId(n), mood: 'gratitude' });
      expect(await guest.closed.promise).toEqual({
        code: 1013,
        reason: 'The room is full: try again later.',
      });
    }
    expect(warn.mock.calls).toHaveLength(1);
    expect(String(warn.mock.calls[0])).toContain('the room is full');
    expect(await room.join().count()).toBe(0);
  });

  it('is refused where as many are open as may be', async () => {
    const size = vi.spyOn(LiveSockets.prototype, 'size', 'get');
    size.mockReturnValue(LIVE_SOCKETS_MAX - 1);
    expect((await knock(room)).status).toBe(101);
    size.mockReturnValue(LIVE_SOCKETS_MAX);
    expect((await knock(room)).status).toBe(503);
  });
});

describe('the alarm', () => {
  it('comes earlier for a session that was told late', async () => {
    await Guest.open(room);
    await room.join().heartbeat(ANNA);
    await room.pass(SECOND);
    const first = (await room.alarmAt()) ?? 0;
    const late = { mood: 'presence', lastSeen: Date.now() - 20 * SECOND } as const;
    await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect(first - ((await room.alarmAt()) ?? 0)).toBeGreaterThan(15 * SECOND);
  });

  it('comes no sooner than in a second', async () => {
    await Guest.open(room);
    const late = { mood: 'presence', lastSeen: Date.now() - TIMING.ttlMs + 300 } as const;
    await room.stub.sync({ known: undefined, heard: new Map([[BEN, late]]) });
    expect((await room.alarmAt()) ?? 0).toBeGreaterThanOrEqual(Date.now() + ROOM_ALARM_GAP_MS);
  });

  it('is neither put off nor set anew by those who come after it was set', async () => {
    await Guest.open(room);
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

  it('is not set anew by a room that has hibernated', async () => {
    await Guest.open(room);
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
