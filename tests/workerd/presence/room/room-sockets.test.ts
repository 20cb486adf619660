import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../../../../src/limits';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { reasonThatFits } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { FakeSocket } from './fake-socket';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const JOIN = { sessionId: ANNA, mood: 'gratitude' };

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom();
  ({ runtime } = memoryRoom);
});

/** Returns a join message of exactly `bytes` bytes. */
function joinOf(bytes: number, filler = 'x'): string {
  const empty = JSON.stringify({ ...JOIN, filler: '' });
  const fillerBytes = new TextEncoder().encode(filler).byteLength;
  return JSON.stringify({ ...JOIN, filler: filler.repeat((bytes - empty.length) / fillerBytes) });
}

describe('a message', () => {
  it.each([
    ['invalid JSON', '{', 1008, 'The message must be a JSON object.'],
    ['only a number', 7, 1008, 'The message must be a JSON object.'],
    ['binary data', new ArrayBuffer(1), 1008, 'Send text.'],
    ['no mood', { sessionId: ANNA }, 1008, 'mood must be one of: gratitude, presence, release, connection.'],
    [
      'an id that is not a UUID',
      { ...JOIN, sessionId: 'anna' },
      1008,
      'sessionId must be a UUID: 8-4-4-4-12 hexadecimal digits.',
    ],
    ['a mood before the join', { mood: 'release' }, 1008, 'Send sessionId and mood first.'],
    ['too many bytes', joinOf(LIVE_MESSAGE_BYTES_MAX + 1), 1009, 'Send at most 1024 bytes.'],
    [
      'too many bytes in few characters',
      joinOf(LIVE_MESSAGE_BYTES_MAX + 1, 'é'),
      1009,
      'Send at most 1024 bytes.',
    ],
  ])('a message with %s closes its socket with a reason', (_what, message, code, reason) => {
    const socket = memoryRoom.open();
    memoryRoom.send(socket, message);
    expect(socket.closed).toEqual({ code, reason });
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    memoryRoom.send(socket, JOIN);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it.each([
    ['x'.repeat(123), 'x'.repeat(123)],
    ['x'.repeat(124), 'short'],
    ['é'.repeat(62), 'short'],
  ])('a reason of more than 123 bytes is replaced by a short one: %s', (reason, expected) => {
    expect(reasonThatFits(reason, 'short')).toBe(expected);
  });

  it('a message of 1,024 bytes is accepted', () => {
    const socket = memoryRoom.open();
    memoryRoom.send(socket, joinOf(LIVE_MESSAGE_BYTES_MAX));
    expect(socket.isOpen).toBe(true);
    expect(memoryRoom.room.counts.gratitude).toBe(1);
  });

  it('a socket may send 20 messages in each ten seconds, and one more closes it', async () => {
    const socket = memoryRoom.open();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < LIVE_MESSAGES_MAX; n += 1) memoryRoom.send(socket, JOIN);
      expect(socket.isOpen).toBe(true);
      await runtime.advance(LIVE_MESSAGES_WINDOW_MS);
    }
    memoryRoom.send(socket, JOIN);
    await runtime.advance(LIVE_MESSAGES_WINDOW_MS - 1);
    for (let n = 1; n < LIVE_MESSAGES_MAX; n += 1) memoryRoom.send(socket, JOIN);
    expect(socket.isOpen).toBe(true);
    memoryRoom.send(socket, JOIN);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a message with too many characters is refused before its bytes are counted', () => {
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    const socket = memoryRoom.open();
    memoryRoom.send(socket, 'x'.repeat(32 * 1_024 * 1_024));
    expect(socket.closed).toEqual({ code: 1009, reason: 'Send at most 1024 bytes.' });
    expect(encode).not.toHaveBeenCalled();
    encode.mockRestore();
  });
});

describe('a socket that joined', () => {
  it('a message with another id closes the socket, and ends its session', () => {
    const socket = memoryRoom.join(ANNA);
    memoryRoom.send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed).toEqual({
      code: 1008,
      reason: 'A socket keeps its sessionId. Open another socket.',
    });
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(memoryRoom.recordOf(BEN)).toBeUndefined();
  });

  it('a socket keeps its id when the room loses its memory', () => {
    const socket = memoryRoom.join(ANNA);
    memoryRoom.restart();
    memoryRoom.send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed?.code).toBe(1008);
    expect(memoryRoom.recordOf(BEN)).toBeUndefined();
  });

  it('a socket stores its session with the keys of version 1.0, and a restarted room reads them', () => {
    const socket = memoryRoom.join(ANNA, 'release');
    expect(socket.attachment).toEqual({ sessionId: ANNA, mood: 'release', heardAt: START, notedAt: START });
    const older = new FakeSocket();
    older.remember({ sessionId: BEN, mood: 'gratitude', heardAt: START - 5_000, notedAt: START - 4_000 });
    memoryRoom.restart([older]);
    expect(memoryRoom.recordOf(BEN)).toEqual({ mood: 'gratitude', lastSeen: START - 5_000 });
  });

  it('a message with the same id changes the mood, in capitals too', () => {
    const id = 'abcdef00-0000-4000-8000-00000000000a';
    const socket = memoryRoom.join(id);
    memoryRoom.send(socket, { sessionId: id.toUpperCase(), mood: 'release' });
    expect(socket.isOpen).toBe(true);
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a session on 65 sockets loses the oldest one, and stays until the others are closed', () => {
    const all = Array.from({ length: LIVE_SESSION_SOCKETS_MAX + 1 }, () => memoryRoom.join(ANNA));
    const [oldest, last, ...rest] = all;
    expect(oldest?.closed).toEqual({ code: 1008, reason: 'Too many sockets of this session.' });
    expect(memoryRoom.openSockets).toHaveLength(LIVE_SESSION_SOCKETS_MAX);
    for (const socket of rest) memoryRoom.close(socket);
    expect(memoryRoom.room.counts.presence).toBe(1);
    memoryRoom.close(last as FakeSocket);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session without messages and pings expires, and its socket does not restore it', async () => {
    const watcher = memoryRoom.open();
    const socket = memoryRoom.join(ANNA);
    await runtime.advance(TTL);
    memoryRoom.sync();
    expect(socket.closed).toEqual({ code: 1008, reason: 'The session expired. Send ping regularly.' });
    expect(watcher.isOpen).toBe(true);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    socket.lastPingAt = runtime.now();
    memoryRoom.restart(memoryRoom.sockets);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a message of another socket expires a session without a sync', async () => {
    const other = memoryRoom.open();
    const expiring = memoryRoom.join(ANNA);
    await runtime.advance(TTL);
    memoryRoom.send(other, { sessionId: BEN, mood: 'presence' });
    expect(expiring.closed?.code).toBe(1008);
    memoryRoom.close(expiring);
    expect(memoryRoom.room.counts.presence).toBe(1);
  });

  it('a session on two sockets has the mood of the last message, and leaves with the last close', async () => {
    const first = memoryRoom.join(ANNA, 'gratitude');
    await runtime.advance(1_000);
    const second = memoryRoom.join(ANNA, 'release');
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    memoryRoom.journal.saved.length = 0;
    memoryRoom.restart();
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    await runtime.advance(1_000);
    first.lastPingAt = runtime.now();
    memoryRoom.close(first);
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    memoryRoom.close(second);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(second.closed).toEqual({ code: 1000, reason: '' });
  });

  it('a ping on one of two sockets keeps the session, and a restart restores the later message', async () => {
    const first = memoryRoom.join(ANNA, 'gratitude');
    await runtime.advance(1_000);
    memoryRoom.join(ANNA, 'release');
    first.lastPingAt = START + 20_000;
    await runtime.advance(TTL);
    memoryRoom.sync();
    expect(memoryRoom.recordOf(ANNA)).toEqual({ mood: 'release', lastSeen: START + 20_000 });
    memoryRoom.journal.saved.length = 0;
    memoryRoom.restart();
    expect(memoryRoom.recordOf(ANNA)).toEqual({ mood: 'gratitude', lastSeen: START + 20_000 });
  });
});

describe('a close', () => {
  it('a close that restarts the room ends the session, although the platform no longer lists the socket', () => {
    const socket = memoryRoom.join(ANNA);
    memoryRoom.restart([]);
    expect(memoryRoom.room.counts.presence).toBe(1);
    memoryRoom.close(socket);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a close for an unknown session saves nothing', () => {
    const socket = memoryRoom.join(ANNA);
    memoryRoom.journal.saved.length = 0;
    memoryRoom.restart([]);
    memoryRoom.close(socket);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(memoryRoom.journal.saved).toEqual([]);
  });

  it('a close does not end a session with a later heartbeat by HTTP', async () => {
    const socket = memoryRoom.join(ANNA);
    await runtime.advance(1_000);
    memoryRoom.heartbeat(ANNA, 'release');
    memoryRoom.close(socket);
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a close of a watcher ends no session', () => {
    memoryRoom.join(ANNA);
    const watcher = memoryRoom.open();
    memoryRoom.close(watcher);
    expect(watcher.closed).toEqual({ code: 1000, reason: '' });
    expect(memoryRoom.room.counts.presence).toBe(1);
  });

  it('a closed socket stays closed after a restart, also if its client does not answer the close', () => {
    const socket = memoryRoom.open();
    memoryRoom.send(socket, '{');
    memoryRoom.restart([socket]);
    memoryRoom.send(socket, JOIN);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(memoryRoom.room.nextEnd()).toBeUndefined();
  });
});

describe('a socket in a full room', () => {
  const fillRoom = () => vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);

  it('a full room closes the socket of a new session with 1013, and a known session may change its mood', () => {
    const known = memoryRoom.join(ANNA);
    const full = fillRoom();
    const socket = memoryRoom.join(BEN, 'release');
    expect(socket.closed).toEqual({ code: 1013, reason: 'The room is full. Try again later.' });
    expect(memoryRoom.recordOf(BEN)).toBeUndefined();
    memoryRoom.send(known, { mood: 'release' });
    expect(known.isOpen).toBe(true);
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    full.mockRestore();
    memoryRoom.restart(memoryRoom.sockets);
    expect(memoryRoom.recordOf(BEN)).toBeUndefined();
  });

  it('a restarted room without a place for the session of a socket closes the socket with 1013', () => {
    const socket = memoryRoom.join(ANNA);
    memoryRoom.journal.saved.length = 0;
    const full = fillRoom();
    memoryRoom.restart();
    full.mockRestore();
    expect(socket.closed?.code).toBe(1013);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(memoryRoom.reports).toHaveLength(1);
    memoryRoom.restart(memoryRoom.sockets);
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
  });
});
