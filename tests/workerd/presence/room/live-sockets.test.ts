import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../../../../src/limits';
import { LiveSockets } from '../../../../src/presence/room/live-sockets';
import { Room } from '../../../../src/presence/room/room';
import { RoomSessions } from '../../../../src/presence/room/room-sessions';
import { NOBODY } from '../../../../src/presence/session';
import { FakeRuntime } from '../../../support/fake-runtime';
import { NO_JOURNAL } from '../../../support/no-journal';
import { sessionId } from '../../../support/session-id';
import { FakeSocket, real, stateOf } from './fake-socket';

describe('a live socket', () => {
  const [ANNA, BEN] = [sessionId(1), sessionId(2)];
  const JOIN = { sessionId: ANNA, mood: 'gratitude' };
  let runtime: FakeRuntime;
  let accepted: FakeSocket[];
  let autoResponse: WebSocketRequestResponsePair | undefined;
  let sockets: LiveSockets;
  let room: Room;

  const start = (open: readonly FakeSocket[]): LiveSockets => {
    const state = stateOf(
      accepted,
      () => open,
      (pair) => {
        autoResponse = pair;
      },
    );
    return new LiveSockets(state, runtime.now);
  };

  beforeEach(() => {
    runtime = new FakeRuntime();
    accepted = [];
    sockets = start([]);
    room = newRoom();
  });

  function newRoom(): Room {
    return new Room({ ttlMs: 30_000, runtime, epoch: '', journal: NO_JOURNAL, audience: sockets });
  }

  function open(): FakeSocket {
    const socket = new FakeSocket();
    sockets.open(real(socket), room.counts);
    return socket;
  }

  function send(socket: FakeSocket, message: unknown): void {
    const isRaw = typeof message === 'string' || message instanceof ArrayBuffer;
    sockets.receive(real(socket), isRaw ? message : JSON.stringify(message), room);
  }

  /** A message of just so many bytes that joins. */
  function joinOf(bytes: number, filler = 'x'): string {
    const empty = JSON.stringify({ ...JOIN, filler: '' });
    const fillerBytes = new TextEncoder().encode(filler).byteLength;
    return JSON.stringify({ ...JOIN, filler: filler.repeat((bytes - empty.length) / fillerBytes) });
  }

  it('is accepted, counted among the open ones, and shown the counts at once', () => {
    send(open(), JOIN);
    const watcher = open();
    expect(accepted).toContain(watcher);
    expect(sockets.size).toBe(2);
    expect(watcher.shown).toEqual({
      count: 1,
      moods: { ...NOBODY, gratitude: 1 },
      timestamp: runtime.now(),
    });
  });

  it('is shown within a second who joins after it was opened', async () => {
    const watcher = open();
    send(open(), JOIN);
    await runtime.advance(0);
    expect(watcher.shown?.moods).toEqual({ ...NOBODY, gratitude: 1 });
  });

  it('has its pings answered by the platform', () => {
    expect(autoResponse).toMatchObject({ request: 'ping', response: 'pong' });
  });

  it('is shown nothing twice', () => {
    const watcher = open();
    sockets.tell({ ...NOBODY });
    expect(watcher.shownTimes).toBe(1);
    sockets.tell({ ...NOBODY, release: 1 });
    expect(watcher.shownTimes).toBe(2);
  });

  it.each([
    ['no JSON', '{', 1008, 'The message must be a JSON object.'],
    ['no object', 7, 1008, 'The message must be a JSON object.'],
    ['bytes', new ArrayBuffer(1), 1008, 'Send text.'],
    ['no mood', { sessionId: ANNA }, 1008, 'mood must be one of: gratitude, presence, release, connection.'],
    [
      'an id that is none',
      { ...JOIN, sessionId: 'anna' },
      1008,
      'sessionId must be a UUID: 8-4-4-4-12 hexadecimal digits.',
    ],
    ['a mood before it has joined', { mood: 'release' }, 1008, 'Join first: send sessionId and mood.'],
    ['too much', joinOf(LIVE_MESSAGE_BYTES_MAX + 1), 1009, 'Send at most 1024 bytes.'],
    ['too much in few letters', joinOf(LIVE_MESSAGE_BYTES_MAX + 1, 'é'), 1009, 'Send at most 1024 bytes.'],
  ])('that sends %s is closed with what it should send', (_what, message, code, reason) => {
    const socket = open();
    send(socket, message);
    expect(socket.closed).toEqual({ code, reason });
    expect(sockets.size).toBe(0);
    expect(room.counts).toEqual(NOBODY);
  });

  it('may send a message of 1,024 bytes', () => {
    const socket = open();
    send(socket, joinOf(LIVE_MESSAGE_BYTES_MAX));
    expect(socket.isOpen).toBe(true);
    expect(room.counts.gratitude).toBe(1);
  });

  it('may send 20 messages in ten seconds, again and again, and no more', async () => {
    const socket = open();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < LIVE_MESSAGES_MAX; n += 1) send(socket, JOIN);
      expect(socket.isOpen).toBe(true);
      await runtime.advance(LIVE_MESSAGES_WINDOW_MS);
    }
    send(socket, JOIN);
    await runtime.advance(LIVE_MESSAGES_WINDOW_MS - 1);
    for (let n = 1; n < LIVE_MESSAGES_MAX; n += 1) send(socket, JOIN);
    expect(socket.isOpen).toBe(true);
    send(socket, JOIN);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Too many messages.' });
    expect(room.counts).toEqual(NOBODY);
  });

  it('that was closed is heard no more, whatever it goes on sending', () => {
    const socket = open();
    send(socket, '{');
    send(socket, JOIN);
    expect(room.counts).toEqual(NOBODY);
    expect(sockets.size).toBe(0);
  });

  it('that breaks at the moment it is told or closed does no harm', () => {
    const [broken, watcher] = [open(), open()];
    send(broken, JOIN);
    broken.isOpen = false;
    sockets.tell(room.counts);
    expect(watcher.shown?.moods).toEqual(room.counts);
    sockets.ended(ANNA);
    expect(sockets.size).toBe(1);
  });

  it('that has joined keeps its id: a message with another id closes it, and its session ends', () => {
    const socket = open();
    send(socket, JOIN);
    send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed).toEqual({
      code: 1008,
      reason: 'A socket keeps its sessionId: open another one.',
    });
    expect(room.counts).toEqual(NOBODY);
    expect(room.get(BEN)).toBeUndefined();
    expect(sockets.size).toBe(0);
  });

  it('that has joined keeps its id also after the object has slept', () => {
    const socket = open();
    send(socket, JOIN);
    sockets = start([socket]);
    send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed?.code).toBe(1008);
    expect(room.get(BEN)).toBeUndefined();
  });

  it('that has joined changes its mood by a message with the same id, in any case', () => {
    const id = 'abcdef00-0000-4000-8000-00000000000a';
    const socket = open();
    send(socket, { sessionId: id, mood: 'gratitude' });
    send(socket, { sessionId: id.toUpperCase(), mood: 'release' });
    expect(socket.isOpen).toBe(true);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('that joins a full room is closed with 1013, and counts nowhere', () => {
    const [socket, known] = [open(), open()];
    send(known, JOIN);
    const full = vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
    send(socket, { sessionId: BEN, mood: 'release' });
    expect(socket.closed).toEqual({ code: 1013, reason: 'The room is full: try again later.' });
    expect(room.get(BEN)).toBeUndefined();
    expect(sockets.heardAt(BEN)).toBeUndefined();
    expect(sockets.size).toBe(1);
    send(known, { mood: 'release' });
    expect(known.isOpen).toBe(true);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
    full.mockRestore();
  });

  it('of a session that a waking room has no place for is closed with 1013', () => {
    const socket = open();
    send(socket, JOIN);
    sockets = start([socket]);
    room = newRoom();
    const full = vi.spyOn(RoomSessions.prototype, 'isFull', 'get').mockReturnValue(true);
    room.heard(sockets.guests);
    full.mockRestore();
    expect(socket.closed?.code).toBe(1013);
    expect(sockets.size).toBe(0);
    expect(sockets.guests.size).toBe(0);
  });

  it('that was closed stays closed for an object that has slept, though its peer does not answer to the close', () => {
    const socket = open();
    send(socket, '{');
    sockets = start([socket]);
    expect(sockets.size).toBe(0);
    send(socket, JOIN);
    expect(room.counts).toEqual(NOBODY);
  });

  it('is the oldest of too many sockets of its session: it is closed, and the session stays until the others have closed', () => {
    const all = Array.from({ length: LIVE_SESSION_SOCKETS_MAX + 1 }, () => open());
    for (const socket of all) send(socket, JOIN);
    const [oldest, ...others] = all;
    expect(oldest?.closed).toEqual({ code: 1008, reason: 'Too many sockets of this session.' });
    expect(others.every(({ isOpen }) => isOpen)).toBe(true);
    expect(sockets.size).toBe(LIVE_SESSION_SOCKETS_MAX);
    const [last, ...rest] = others;
    for (const socket of rest) sockets.close(real(socket), room);
    expect(room.counts.gratitude).toBe(1);
    if (last) sockets.close(real(last), room);
    expect(room.counts).toEqual(NOBODY);
  });

  it('whose message has too many letters is closed before anything encodes them', () => {
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    const socket = open();
    send(socket, 'x'.repeat(32 * 1_024 * 1_024));
    expect(socket.closed).toEqual({ code: 1009, reason: 'Send at most 1024 bytes.' });
    expect(encode).not.toHaveBeenCalled();
    encode.mockRestore();
  });

  it('of somebody silent is closed with a reason, and is no longer known as his after the object has slept', () => {
    const socket = open();
    send(socket, JOIN);
    sockets.ended(ANNA);
    expect(socket.closed).toEqual({ code: 1008, reason: 'Silent for too long: send ping.' });
    expect(sockets.size).toBe(0);
    expect(sockets.heardAt(ANNA)).toBeUndefined();
    expect(start([socket]).guests.size).toBe(0);
  });

  it('is one of several that a person may have: the last word of any counts, and only his last closing is a leave', async () => {
    const [first, second] = [open(), open()];
    send(first, JOIN);
    await runtime.advance(1_000);
    send(second, { sessionId: ANNA, mood: 'release' });
    const secondAt = runtime.now();
    expect(sockets.guests).toEqual(new Map([[ANNA, { mood: 'release', lastSeen: secondAt }]]));
    await runtime.advance(1_000);
    first.pingedAt = runtime.now();
    expect(sockets.heardAt(ANNA)).toBe(runtime.now());
    expect(sockets.guests.get(ANNA)?.lastSeen).toBe(runtime.now());
    sockets.close(real(first), room);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
    sockets.close(real(second), room);
    expect(room.counts).toEqual(NOBODY);
    expect(second.closed).toEqual({ code: 1000, reason: '' });
  });

  it('whose closing has woken the object is a leave, and none where the room has forgotten', () => {
    const socket = open();
    send(socket, JOIN);
    sockets = start([]);
    sockets.close(real(socket), room);
    expect(room.counts).toEqual(NOBODY);
    const other = open();
    send(other, JOIN);
    sockets = start([]);
    room = newRoom();
    sockets.close(real(other), room);
    expect(room.counts).toEqual(NOBODY);
    expect(room.get(ANNA)).toBeUndefined();
  });

  it('that closes is no leave if a heartbeat by HTTP came later', async () => {
    const socket = open();
    send(socket, JOIN);
    await runtime.advance(1_000);
    const beat = { mood: 'release', lastSeen: runtime.now() } as const;
    room.sync({ known: undefined, heard: new Map([[ANNA, beat]]) });
    sockets.close(real(socket), room);
    expect(room.counts).toEqual({ ...NOBODY, release: 1 });
  });

  it('that only watched is no leave of anybody', () => {
    send(open(), JOIN);
    const watcher = open();
    sockets.close(real(watcher), room);
    expect(watcher.closed).toEqual({ code: 1000, reason: '' });
    expect(room.counts.gratitude).toBe(1);
    expect(sockets.guests.size).toBe(1);
  });
});
