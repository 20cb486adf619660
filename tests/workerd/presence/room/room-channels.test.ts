import { beforeEach, describe, expect, it } from 'vitest';
import { LIVE_BROADCAST_INTERVAL_MS, ROOM_SAVE_INTERVAL_MS, ROOM_UNSAVED_MAX } from '../../../../src/limits';
import { ChannelRules } from '../../../../src/presence/channel-rules';
import { HANDOVER_CODE } from '../../../../src/presence/room/socket-message';
import { ZERO_COUNTS } from '../../../../src/presence/session';
import { sessionKey } from '../../../../src/presence/session-key';
import type { FakeRuntime } from '../../../support/fake-runtime';
import { sessionId } from '../../../support/session-id';
import type { FakeSocket } from './fake-socket';
import { MemoryRoom, TTL } from './memory-room';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const inLobby = sessionKey('lobby', ANNA);
const inPost = (n: number, id = ANNA) => sessionKey(`post-${n}`, id);

let place: MemoryRoom;
let runtime: FakeRuntime;
beforeEach(() => {
  place = new MemoryRoom(new ChannelRules(['lobby'], ['post-'], 2));
  ({ runtime } = place);
});

/** A leave of the next millisecond: at the same one, the heartbeat wins. */
async function leave(key: string): Promise<void> {
  await runtime.advance(1);
  place.leave(key);
}

const countsAt = (socket: FakeSocket) => socket.received.map(({ count }) => count);
const afterBroadcast = () => runtime.advance(LIVE_BROADCAST_INTERVAL_MS);
const afterSave = () => runtime.advance(ROOM_SAVE_INTERVAL_MS);

describe('sessions of channels', () => {
  it('a session counts in each channel that has its heartbeats, and a leave ends it in one only', async () => {
    for (const key of [ANNA, inLobby, inPost(1)]) place.heartbeat(key, 'release');
    await leave(inLobby);
    expect(place.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
    expect(place.room.countsOf('post-1')).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(place.room.counts).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a room that restarts has the sessions of each channel', async () => {
    for (const key of [ANNA, inLobby, inPost(1)]) place.heartbeat(key);
    await afterSave();
    place.restart();
    for (const channel of ['', 'lobby', 'post-1']) expect(place.room.countsOf(channel).presence).toBe(1);
  });

  it('the sessions of a channel expire after the TTL', async () => {
    place.heartbeat(inLobby);
    await runtime.advance(TTL);
    place.sync();
    expect(place.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
  });
});

describe('the maximum of channels', () => {
  it('a session that opens one channel too many is refused, and the log names no channel', () => {
    for (const n of [1, 2]) place.heartbeat(inPost(n));
    expect(place.heartbeat(inPost(3)).isFull).toBe(false);
    expect(place.room.countsOf('post-3')).toEqual(ZERO_COUNTS);
    expect(place.reports).toEqual([expect.stringMatching(/^the room refuses new channels/)]);
    place.heartbeat(inPost(2, BEN));
    expect(place.room.countsOf('post-2').presence).toBe(2);
  });

  it('the default channel and a listed channel always get in', async () => {
    for (const n of [1, 2]) place.heartbeat(inPost(n));
    for (const key of [ANNA, inLobby]) place.heartbeat(key);
    expect(place.room.counts.presence).toBe(1);
    expect(place.room.countsOf('lobby').presence).toBe(1);
    place.heartbeat(inPost(2, BEN));
    await leave(inPost(1));
    place.heartbeat(inPost(3));
    expect(place.room.countsOf('post-3').presence).toBe(1);
  });

  it('a refused session gets in with a later heartbeat, when a channel has emptied', async () => {
    for (const n of [1, 2, 3]) place.heartbeat(inPost(n));
    await leave(inPost(1));
    place.heartbeat(inPost(3));
    expect(place.room.countsOf('post-3').presence).toBe(1);
  });

  it('a socket that joins one channel too many is closed with 1013', () => {
    for (const n of [1, 2]) place.heartbeat(inPost(n));
    const socket = place.join(ANNA, 'presence', 'post-3');
    expect(socket.closed?.code).toBe(1013);
    expect(place.join(ANNA, 'presence', 'lobby').closed).toBeUndefined();
    expect(place.join(BEN, 'presence', 'post-1').closed).toBeUndefined();
  });

  it('a room that restarts keeps every session that it had admitted, in any order of its rows', async () => {
    place.heartbeat(inPost(2));
    await leave(inPost(2));
    place.heartbeat(inPost(3));
    const joined = place.join(BEN, 'presence', 'post-1');
    await leave(inPost(1));
    joined.isOpen = false;
    place.close(joined);
    place.heartbeat(inPost(2));
    await afterSave();
    place.restart();
    for (const channel of ['post-2', 'post-3']) expect(place.room.countsOf(channel).presence).toBe(1);
  });
});

describe('live sockets of channels', () => {
  it('a socket gets the counts of its own channel, and its session counts there only', async () => {
    const [watcher, inDefault] = [place.open('lobby'), place.open()];
    const socket = place.join(ANNA, 'release', 'lobby');
    place.heartbeat(inPost(1));
    await afterBroadcast();
    expect(place.room.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect(place.room.counts).toEqual(ZERO_COUNTS);
    expect(countsAt(watcher)).toEqual([0, 1]);
    expect(countsAt(socket)).toEqual([0, 1]);
    expect(countsAt(inDefault)).toEqual([0]);
  });

  it('one change in 100 channels with 1,000 sockets sends ten messages', async () => {
    place = new MemoryRoom(new ChannelRules([], [''], 1_000));
    ({ runtime } = place);
    for (let n = 0; n < 1_000; n += 1) place.join(sessionId(n), 'presence', `post-${n % 100}`);
    await afterBroadcast();
    await afterBroadcast();
    const received = () => place.sockets.reduce((sum, socket) => sum + socket.received.length, 0);
    const before = received();
    place.heartbeat(inPost(7, sessionId(7)), 'release');
    await afterBroadcast();
    expect(received() - before).toBe(10);
    expect(place.sockets[7]?.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 9, release: 1 });
    expect(place.sockets[8]?.last?.moods).toEqual({ ...ZERO_COUNTS, presence: 10 });
  });

  it('one browser in three channels has a session in each, and closing one socket ends one session', async () => {
    const [inDefault, lobby] = [place.join(ANNA), place.join(ANNA, 'presence', 'lobby')];
    const post = place.join(ANNA, 'presence', 'post-1');
    for (const channel of ['', 'lobby', 'post-1']) expect(place.room.countsOf(channel).presence).toBe(1);
    place.close(lobby);
    expect(place.room.countsOf('lobby')).toEqual(ZERO_COUNTS);
    await leave(inPost(1));
    expect(place.room.countsOf('post-1').presence).toBe(1);
    place.close(inDefault, HANDOVER_CODE);
    expect(place.room.counts.presence).toBe(1);
    expect(post.isOpen).toBe(true);
  });

  it('after a restart each socket is found in its channel, watchers too, and no message is sent', async () => {
    const watchers = ['', 'lobby', 'post-1'].map((channel) => place.open(channel));
    const sockets = ['', 'lobby', 'post-1'].map((channel, n) =>
      place.join(sessionId(n), 'presence', channel),
    );
    await afterBroadcast();
    await afterSave();
    const quiet = place.open('post-2');
    const before = [...watchers, ...sockets, quiet].map(countsAt);
    place.restart();
    await afterBroadcast();
    expect([...watchers, ...sockets, quiet].map(countsAt)).toEqual(before);
    place.heartbeat(sessionKey('lobby', BEN), 'release');
    place.heartbeat(inPost(1, sessionId(7)), 'release');
    await afterBroadcast();
    expect(countsAt(watchers[1] as FakeSocket).at(-1)).toBe(2);
    expect(countsAt(sockets[2] as FakeSocket).at(-1)).toBe(2);
    expect(countsAt(watchers[0] as FakeSocket)).toEqual([0, 1]);
    place.close(sockets[1] as FakeSocket);
    expect(place.room.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, release: 1 });
  });

  it('a watcher that opened in a quiet channel with sessions gets no message after a restart', async () => {
    place.heartbeat(inPost(1));
    await afterSave();
    const watcher = place.open('post-1');
    place.restart();
    await afterBroadcast();
    expect(countsAt(watcher)).toEqual([1]);
  });

  it('a restart after a lost broadcast sends it, to the sockets of that channel only', async () => {
    const [lobby, post] = [place.open('lobby'), place.open('post-1')];
    place.heartbeat(inLobby);
    await afterBroadcast();
    await afterSave();
    place.heartbeat(sessionKey('lobby', BEN));
    place.heartbeat(sessionKey('lobby', sessionId(3)));
    // The room crashes, and its replica sends the sessions again.
    place.restart();
    for (const id of [BEN, sessionId(3)]) place.heartbeat(sessionKey('lobby', id));
    await afterBroadcast();
    expect(countsAt(lobby).at(-1)).toBe(3);
    expect(countsAt(post)).toEqual([0]);
  });

  it('a save in the middle of a sync keeps the last broadcast of a channel that has just emptied', async () => {
    const watcher = place.open('lobby');
    place.heartbeat(inLobby);
    await afterBroadcast();
    await afterSave();
    // The broadcast of this one delays the next by a second.
    place.heartbeat(sessionKey('lobby', BEN));
    await runtime.advance(1);
    const now = runtime.now();
    const many = Array.from({ length: ROOM_UNSAVED_MAX }, (_, n) => sessionId(100 + n));
    const heartbeats = Object.fromEntries(
      many.map((id) => [id, { mood: 'presence' as const, lastSeen: now }]),
    );
    const left = { mood: null, lastSeen: now };
    place.sync({ [inLobby]: left, [sessionKey('lobby', BEN)]: left, ...heartbeats });
    expect(countsAt(watcher)).toEqual([0, 1, 2]);
    expect(place.journal.saved.at(-1)?.lastBroadcasts.get('lobby')?.presence).toBe(2);
  });

  it('a watcher that opens between a change and its reversal gets the right counts', async () => {
    place.open('lobby');
    place.heartbeat(inLobby);
    await afterBroadcast();
    place.heartbeat(sessionKey('lobby', BEN));
    place.heartbeat(sessionKey('lobby', sessionId(3)));
    const late = place.open('lobby');
    await leave(sessionKey('lobby', sessionId(3)));
    await leave(sessionKey('lobby', BEN));
    await afterBroadcast();
    expect(late.last?.count).toBe(1);
  });

  it('a channel whose last socket closed leaves nothing behind: the next watcher gets its counts', async () => {
    const first = place.open('post-1');
    first.isOpen = false;
    place.close(first);
    place.heartbeat(inPost(1));
    await afterBroadcast();
    expect(place.open('post-1').last?.count).toBe(1);
    expect(countsAt(first)).toEqual([0]);
  });
});
