import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIVE_SOCKETS_MAX } from '../../../src/limits';
import { LiveSockets } from '../../../src/presence/room/live-sockets';
import { RoomSessions } from '../../../src/presence/room/room-sessions';
import { HANDOVER_CODE } from '../../../src/presence/room/socket-message';
import { sessionId } from '../../support/session-id';
import { TTL } from '../presence/room/room-replica';
import { RealRoom, SECOND } from './real-room';
import { RoomClient, requestSocket } from './room-client';

const ANNA = sessionId(1);

let room: RealRoom;
beforeEach(async () => {
  room = await RealRoom.open();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the session of a socket', () => {
  it('a session leaves when its socket breaks', async () => {
    const anna = await RoomClient.open(room);
    await anna.send({ sessionId: ANNA, mood: 'gratitude' });
    expect(await room.join().count()).toBe(1);
    await room.inside((state, object) => {
      for (const socket of state.getWebSockets()) object.webSocketError(socket);
    });
    expect(await room.join().count()).toBe(0);
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
    await room.pass(TTL - SECOND - sincePing);
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

  it('a close with 4000 that restarts the room keeps the session for one TTL after the last ping', async () => {
    const anna = await joinAndPing(20 * SECOND);
    await room.hibernate();
    await room.pass(15 * SECOND);
    await room.hibernate();
    await anna.close(HANDOVER_CODE);
    expect(await room.join().count()).toBe(1);
    await expectOneTtl(15 * SECOND);
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

describe('a full room', () => {
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
