import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { ChannelRules } from '../../../../src/presence/channel-rules';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { sessionKey } from '../../../../src/presence/session-key';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom } from './memory-room';
import { TTL } from './room-replica';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const inLobby = sessionKey('lobby', ANNA);
const inPost = (n: number, id = ANNA) => sessionKey(`post-${n}`, id);

let memoryRoom: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  memoryRoom = new MemoryRoom(new ChannelRules(['lobby'], ['post-'], 2));
  ({ runtime } = memoryRoom);
});

/** Sends a leave one millisecond later. Otherwise the heartbeat of the same millisecond wins. */
async function leave(key: string): Promise<void> {
  await runtime.advance(1);
  memoryRoom.leave(key);
}

const countsAt = (socket: FakeSocket) => socket.received.map(({ count }) => count);
const afterBroadcast = () => runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
const afterSave = () => runtime.advance(ROOM_SAVE_INTERVAL_MS);

describe('sessions of channels', () => {
  it('a session counts in each channel that has its heartbeats, and a leave ends it in only one of them', async () => {
    for (const key of [ANNA, inLobby, inPost(1)]) memoryRoom.heartbeat(key, 'release');
    await leave(inLobby);
    expect(memoryRoom.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
    expect(memoryRoom.room.countsOf('post-1')).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(memoryRoom.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a restarted room has the sessions of each channel', async () => {
    for (const key of [ANNA, inLobby, inPost(1)]) memoryRoom.heartbeat(key);
    await afterSave();
    memoryRoom.restart();
    for (const channel of ['', 'lobby', 'post-1']) expect(memoryRoom.room.countsOf(channel).presence).toBe(1);
  });

  it('the sessions of a channel expire after the TTL', async () => {
    memoryRoom.heartbeat(inLobby);
    await runtime.advance(TTL);
    memoryRoom.sync();
    expect(memoryRoom.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
  });
});

describe('the maximum of channels', () => {
  it('a session that opens one channel too many is refused, and the log names no channel', () => {
    for (const n of [1, 2]) memoryRoom.heartbeat(inPost(n));
    expect(memoryRoom.heartbeat(inPost(3)).isFull).toBe(false);
    expect(memoryRoom.room.countsOf('post-3')).toEqual(ZERO_COUNTS);
    expect(memoryRoom.reports).toEqual([expect.stringMatching(/^the room refuses new channels/)]);
    memoryRoom.heartbeat(inPost(2, BEN));
    expect(memoryRoom.room.countsOf('post-2').presence).toBe(2);
  });

  it('sessions of the default channel and of a listed channel take no place, and need none', async () => {
    for (const key of [ANNA, inLobby, inPost(1), inPost(2)]) memoryRoom.heartbeat(key);
    expect(memoryRoom.room.countsOf('post-2').presence).toBe(1);
    for (const key of [ANNA, inLobby]) await leave(key);
    for (const key of [BEN, sessionKey('lobby', BEN)]) memoryRoom.heartbeat(key);
    expect(memoryRoom.room.counts.presence).toBe(1);
    expect(memoryRoom.room.countsOf('lobby').presence).toBe(1);
  });

  it('a refused session is accepted with a later heartbeat after another channel has emptied', async () => {
    for (const n of [1, 2, 3]) memoryRoom.heartbeat(inPost(n));
    await leave(inPost(1));
    memoryRoom.heartbeat(inPost(3));
    expect(memoryRoom.room.countsOf('post-3').presence).toBe(1);
  });

  it('a socket that joins one channel too many is closed with 1013', () => {
    for (const n of [1, 2]) memoryRoom.heartbeat(inPost(n));
    const socket = memoryRoom.join(ANNA, 'presence', 'post-3');
    expect(socket.closed?.code).toBe(1013);
    expect(memoryRoom.join(ANNA, 'presence', 'lobby').closed).toBeUndefined();
    expect(memoryRoom.join(BEN, 'presence', 'post-1').closed).toBeUndefined();
  });

  it('a restarted room keeps every accepted session, although its rows name more channels than it allows', async () => {
    for (const n of [1, 2]) memoryRoom.heartbeat(inPost(n));
    await afterSave();
    // The next row names post-3 before post-1, because a row keeps the order of the first changes.
    await leave(inPost(2));
    memoryRoom.heartbeat(inPost(3));
    await leave(inPost(1));
    memoryRoom.heartbeat(inPost(2));
    await afterSave();
    memoryRoom.restart();
    expect(memoryRoom.room.countsOf('post-1')).toEqual(ZERO_COUNTS);
    for (const channel of ['post-2', 'post-3']) expect(memoryRoom.room.countsOf(channel).presence).toBe(1);
  });
});

describe('live sockets of channels', () => {
  it('a socket receives the counts of its own channel, and its session counts only there', async () => {
    const [watcher, inDefault] = [memoryRoom.open('lobby'), memoryRoom.open()];
    const socket = memoryRoom.join(ANNA, 'release', 'lobby');
    memoryRoom.heartbeat(inPost(1));
    await afterBroadcast();
    expect(memoryRoom.room.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(memoryRoom.room.counts).toEqual(ZERO_COUNTS);
    expect(countsAt(watcher)).toEqual([0, 1]);
    expect(countsAt(socket)).toEqual([0, 1]);
    expect(countsAt(inDefault)).toEqual([0]);
  });

  it('a change in one of 100 channels with 1,000 sockets sends ten messages', async () => {
    memoryRoom = new MemoryRoom(new ChannelRules([], [''], 1_000));
    ({ runtime } = memoryRoom);
    for (let n = 0; n < 1_000; n += 1) memoryRoom.join(sessionId(n), 'presence', `post-${n % 100}`);
    await afterBroadcast();
    await afterBroadcast();
    const received = () => memoryRoom.sockets.reduce((sum, socket) => sum + socket.received.length, 0);
    const before = received();
    memoryRoom.heartbeat(inPost(7, sessionId(7)), 'release');
    await afterBroadcast();
    expect(received() - before).toBe(10);
    expect(memoryRoom.sockets[7]?.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 9, release: 1 });
    expect(memoryRoom.sockets[8]?.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 10 });
  });

  it('one session id in three channels counts in each, and closing one socket ends one of the sessions', async () => {
    const [inDefault, lobby] = [memoryRoom.join(ANNA), memoryRoom.join(ANNA, 'presence', 'lobby')];
    const post = memoryRoom.join(ANNA, 'presence', 'post-1');
    for (const channel of ['', 'lobby', 'post-1']) expect(memoryRoom.room.countsOf(channel).presence).toBe(1);
    memoryRoom.close(lobby);
    expect(memoryRoom.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
    await leave(inPost(1));
    expect(memoryRoom.room.countsOf('post-1').presence).toBe(1);
    memoryRoom.close(inDefault, HANDOVER_CODE);
    expect(memoryRoom.room.counts.presence).toBe(1);
    expect(post.isOpen).toBe(true);
  });

  it('a restarted room finds each socket and watcher in its channel, and sends no message without a change', async () => {
    const watchers = ['', 'lobby', 'post-1'].map((channel) => memoryRoom.open(channel));
    const sockets = ['', 'lobby', 'post-1'].map((channel, n) =>
      memoryRoom.join(sessionId(n), 'presence', channel),
    );
    await afterBroadcast();
    await afterSave();
    const lateWatcher = memoryRoom.open('post-2');
    const before = [...watchers, ...sockets, lateWatcher].map(countsAt);
    memoryRoom.restart();
    await afterBroadcast();
    expect([...watchers, ...sockets, lateWatcher].map(countsAt)).toEqual(before);
    memoryRoom.heartbeat(sessionKey('lobby', BEN), 'release');
    memoryRoom.heartbeat(inPost(1, sessionId(7)), 'release');
    await afterBroadcast();
    expect(countsAt(watchers[1] as FakeSocket).at(-1)).toBe(2);
    expect(countsAt(sockets[2] as FakeSocket).at(-1)).toBe(2);
    expect(countsAt(watchers[0] as FakeSocket)).toEqual([0, 1]);
    memoryRoom.close(sockets[1] as FakeSocket);
    expect(memoryRoom.room.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a restarted room sends no message to a watcher that opened after the last change of its channel', async () => {
    memoryRoom.heartbeat(inPost(1));
    await afterSave();
    const watcher = memoryRoom.open('post-1');
    memoryRoom.restart();
    await afterBroadcast();
    expect(countsAt(watcher)).toEqual([1]);
  });

  it('a restarted room sends a broadcast that a crash lost, only to the sockets of its channel', async () => {
    const [lobby, post] = [memoryRoom.open('lobby'), memoryRoom.open('post-1')];
    memoryRoom.heartbeat(inLobby);
    await afterBroadcast();
    await afterSave();
    memoryRoom.heartbeat(sessionKey('lobby', BEN));
    memoryRoom.heartbeat(sessionKey('lobby', sessionId(3)));
    // The room crashes, and its replica sends the sessions again.
    memoryRoom.restart();
    for (const id of [BEN, sessionId(3)]) memoryRoom.heartbeat(sessionKey('lobby', id));
    await afterBroadcast();
    expect(countsAt(lobby).at(-1)).toBe(3);
    expect(countsAt(post)).toEqual([0]);
  });

  it('a save in the middle of a sync keeps the last broadcast of a channel that emptied in this sync', async () => {
    const watcher = memoryRoom.open('lobby');
    memoryRoom.heartbeat(inLobby);
    await afterBroadcast();
    await afterSave();
    // The broadcast of this heartbeat delays the next one by a second.
    memoryRoom.heartbeat(sessionKey('lobby', BEN));
    await runtime.advance(1);
    const now = runtime.now();
    const many = Array.from({ length: ROOM_UNSAVED_MAX }, (_, n) => sessionId(100 + n));
    const heartbeats = Object.fromEntries(
      many.map((id) => [id, { mood: 'presence' as const, lastSeen: now }]),
    );
    const left = { mood: null, lastSeen: now };
    memoryRoom.sync({ [inLobby]: left, [sessionKey('lobby', BEN)]: left, ...heartbeats });
    expect(countsAt(watcher)).toEqual([0, 1, 2]);
    expect(memoryRoom.journal.saved.at(-1)?.lastBroadcasts.get('lobby')?.presence).toBe(2);
  });

  it('a watcher that opens between a change and its reversal receives the right counts', async () => {
    memoryRoom.open('lobby');
    memoryRoom.heartbeat(inLobby);
    await afterBroadcast();
    memoryRoom.heartbeat(sessionKey('lobby', BEN));
    memoryRoom.heartbeat(sessionKey('lobby', sessionId(3)));
    const late = memoryRoom.open('lobby');
    await leave(sessionKey('lobby', sessionId(3)));
    await leave(sessionKey('lobby', BEN));
    await afterBroadcast();
    expect(late.last?.count).toBe(1);
  });

  it('a watcher that opens after the last socket of its channel closed receives the current counts', async () => {
    const first = memoryRoom.open('post-1');
    first.isOpen = false;
    memoryRoom.close(first);
    memoryRoom.heartbeat(inPost(1));
    await afterBroadcast();
    expect(memoryRoom.open('post-1').last?.count).toBe(1);
    expect(countsAt(first)).toEqual([0]);
  });
});
