import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../../../../src/limits';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { type FakeRuntime, START } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import { FakeSocket } from './fake-socket';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const JOIN = { sessionId: ANNA, mood: 'gratitude' };

let place: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  place = new MemoryRoom();
  ({ runtime } = place);
});

/** A message of exactly so many bytes that joins. */
function joinOf(bytes: number, filler = 'x'): string {
  const empty = JSON.stringify({ ...JOIN, filler: '' });
  const fillerBytes = new TextEncoder().encode(filler).byteLength;
  return JSON.stringify({ ...JOIN, filler: filler.repeat((bytes - empty.length) / fillerBytes) });
}

describe('a message', () => {
  it.each([
    ['no JSON', '{', 1008, 'The message must be a JSON object.'],
    ['no object', 7, 1008, 'The message must be a JSON object.'],
    ['bytes', new ArrayBuffer(1), 1008, 'Send text.'],
    ['no mood', { sessionId: ANNA }, 1008, 'mood must be one of: gratitude, presence, release, connection.'],
    [
      'no UUID as the id',
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
    const socket = place.open();
    place.send(socket, message);
    expect(socket.closed).toEqual({ code, reason });
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    place.send(socket, JOIN);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a message of 1,024 bytes is accepted', () => {
    const socket = place.open();
    place.send(socket, joinOf(LIVE_MESSAGE_BYTES_MAX));
    expect(socket.isOpen).toBe(true);
    expect(place.room.counts.gratitude).toBe(1);
  });

  it('a socket may send 20 messages in each ten seconds, and one more closes it', async () => {
    const socket = place.open();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < LIVE_MESSAGES_MAX; n += 1) place.send(socket, JOIN);
      expect(socket.isOpen).toBe(true);
      await runtime.advance(LIVE_MESSAGES_WINDOW_MS);
    }
    place.send(socket, JOIN);
    await runtime.advance(LIVE_MESSAGES_WINDOW_MS - 1);
    for (let n = 1; n < LIVE_MESSAGES_MAX; n += 1) place.send(socket, JOIN);
    expect(socket.isOpen).toBe(true);
    place.send(socket, JOIN);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a message with too many characters is refused before its bytes are counted', () => {
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    const socket = place.open();
    place.send(socket, 'x'.repeat(32 * 1_024 * 1_024));
    expect(socket.closed).toEqual({ code: 1009, reason: 'Send at most 1024 bytes.' });
    expect(encode).not.toHaveBeenCalled();
    encode.mockRestore();
  });
});

describe('a socket that joined', () => {
  it('a message with another id closes the socket, and ends its session', () => {
    const socket = place.join(ANNA);
    place.send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed).toEqual({
      code: 1008,
      reason: 'A socket keeps its sessionId. Open another socket.',
    });
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(place.recordOf(BEN)).toBeUndefined();
  });

  it('a socket keeps its id when the room loses its memory', () => {
    const socket = place.join(ANNA);
    place.restart();
    place.send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed?.code).toBe(1008);
    expect(place.recordOf(BEN)).toBeUndefined();
  });

  it('a socket stores its session with the keys of version 1.0, and a restarted room reads them', () => {
    const socket = place.join(ANNA, 'release');
    expect(socket.attachment).toEqual({ sessionId: ANNA, mood: 'release', heardAt: START, notedAt: START });
    const older = new FakeSocket();
    older.remember({ sessionId: BEN, mood: 'gratitude', heardAt: START - 5_000, notedAt: START - 4_000 });
    place.restart([older]);
    expect(place.recordOf(BEN)).toEqual({ mood: 'gratitude', lastSeen: START - 5_000 });
  });

  it('a message with the same id changes the mood, in capitals too', () => {
    const id = 'abcdef00-0000-4000-8000-00000000000a';
    const socket = place.join(id);
    place.send(socket, { sessionId: id.toUpperCase(), mood: 'release' });
    expect(socket.isOpen).toBe(true);
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a session on 65 sockets loses the oldest one, and stays until the others are closed', () => {
    const all = Array.from({ length: LIVE_SESSION_SOCKETS_MAX + 1 }, () => place.join(ANNA));
    const [oldest, last, ...rest] = all;
    expect(oldest?.closed).toEqual({ code: 1008, reason: 'Too many sockets of this session.' });
    expect(place.openSockets).toHaveLength(LIVE_SESSION_SOCKETS_MAX);
    for (const socket of rest) place.close(socket);
    expect(place.room.counts.presence).toBe(1);
    place.close(last as FakeSocket);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session without messages and pings expires, and its sockets are closed for good', async () => {
    const watcher = place.open();
    const socket = place.join(ANNA);
    await runtime.advance(TTL);
    place.sync();
    expect(socket.closed).toEqual({ code: 1008, reason: 'The session expired. Send ping regularly.' });
    expect(watcher.isOpen).toBe(true);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    socket.lastPingAt = runtime.now();
    place.restart(place.sockets);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a session expires when a message of another socket comes, without a sync', async () => {
    const other = place.open();
    const expiring = place.join(ANNA);
    await runtime.advance(TTL);
    place.send(other, { sessionId: BEN, mood: 'presence' });
    expect(expiring.closed?.code).toBe(1008);
    place.close(expiring);
    expect(place.room.counts.presence).toBe(1);
  });

  it('a session on two sockets has the mood of the last message, and leaves with the last close', async () => {
    const first = place.join(ANNA, 'gratitude');
    await runtime.advance(1_000);
    const second = place.join(ANNA, 'release');
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    place.journal.saved.length = 0;
    place.restart();
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    await runtime.advance(1_000);
    first.lastPingAt = runtime.now();
    place.close(first);
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    place.close(second);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(second.closed).toEqual({ code: 1000, reason: '' });
  });

  it('a ping on one of two sockets keeps the session, and a restart restores the later message', async () => {
    const first = place.join(ANNA, 'gratitude');
    await runtime.advance(1_000);
    place.join(ANNA, 'release');
    first.lastPingAt = START + 20_000;
    await runtime.advance(TTL);
    place.sync();
    expect(place.recordOf(ANNA)).toEqual({ mood: 'release', lastSeen: START + 20_000 });
    place.journal.saved.length = 0;
    place.restart();
    expect(place.recordOf(ANNA)).toEqual({ mood: 'gratitude', lastSeen: START + 20_000 });
  });
});

describe('a close', () => {
  it('a close that starts the object ends the session, though the platform no longer lists the socket', () => {
    const socket = place.join(ANNA);
    place.restart([]);
    expect(place.room.counts.presence).toBe(1);
    place.close(socket);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });

  it('a close of a session that the room does not know records nothing', () => {
    const socket = place.join(ANNA);
    place.journal.saved.length = 0;
    place.restart([]);
    place.close(socket);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(place.journal.saved).toEqual([]);
  });

  it('a close is no leave if a heartbeat by HTTP came later', async () => {
    const socket = place.join(ANNA);
    await runtime.advance(1_000);
    place.heartbeat(ANNA, 'release');
    place.close(socket);
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a close of a watcher ends no session', () => {
    place.join(ANNA);
    const watcher = place.open();
    place.close(watcher);
    expect(watcher.closed).toEqual({ code: 1000, reason: '' });
    expect(place.room.counts.presence).toBe(1);
  });

  it('a closed socket stays closed after a restart, also while its client does not answer the close', () => {
    const socket = place.open();
    place.send(socket, '{');
    place.restart([socket]);
    place.send(socket, JOIN);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(place.room.nextEnd()).toBeUndefined();
  });
});

describe('a socket in a full room', () => {
  const fillRoom = () => vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);

  it('a new session closes its socket with 1013 and counts nowhere; a known one may change its mood', () => {
    const known = place.join(ANNA);
    const full = fillRoom();
    const socket = place.join(BEN, 'release');
    expect(socket.closed).toEqual({ code: 1013, reason: 'The room is full. Try again later.' });
    expect(place.recordOf(BEN)).toBeUndefined();
    place.send(known, { mood: 'release' });
    expect(known.isOpen).toBe(true);
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
    full.mockRestore();
    place.restart(place.sockets);
    expect(place.recordOf(BEN)).toBeUndefined();
  });

  it('a restarted room without a place for the session closes its socket with 1013', () => {
    const socket = place.join(ANNA);
    place.journal.saved.length = 0;
    const full = fillRoom();
    place.restart();
    full.mockRestore();
    expect(socket.closed?.code).toBe(1013);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(place.reports).toHaveLength(1);
    place.restart(place.sockets);
    expect(place.room.counts).toEqual(ZERO_COUNTS);
  });
});
