import { beforeEach, expect, it } from 'vitest';
import { ChannelRules } from '../../../src/presence/channel-rules';
import { type HubAnswer, Replica } from '../../../src/presence/replica';
import { type SessionRecord, ZERO_COUNTS } from '../../../src/presence/session';
import { sessionKey } from '../../../src/presence/session-key';
import { roomTiming } from '../../../src/presence/timing';
import { sessionId } from '../../support/session-id';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const RULES = new ChannelRules(['lobby'], ['post-'], 2);
const inPost = (n: number, id = ANNA) => sessionKey(`post-${n}`, id);

let replica: Replica;
beforeEach(() => {
  replica = new Replica(roomTiming(30_000, 1_000), 100, RULES);
  answer({});
});

/** Applies an answer of the room at 0 ms with these remote sessions. */
function answer(records: Readonly<Record<string, SessionRecord>>, more: Partial<HubAnswer> = {}): void {
  const none = new Map();
  const sessions = new Map(Object.entries(records));
  const hubAnswer = { records: sessions, isSnapshot: true, isRestart: false, includesChannels: true };
  replica.applyAnswer({ ...hubAnswer, sent: none, sentAt: 0, ...more }, 0);
}

const present: SessionRecord = { mood: 'presence', lastSeen: 0 };

it('a session counts in each channel that gets its heartbeats, and a leave ends it in one channel only', () => {
  replica.heartbeat(ANNA, 'gratitude', 0);
  replica.heartbeat(inPost(1), 'release', 0);
  replica.heartbeat(sessionKey('lobby', ANNA), 'presence', 0);
  expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
  expect(replica.countsOf('post-1')).toEqual({ ...ZERO_COUNTS, release: 1 });
  expect(replica.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, presence: 1 });
  replica.leave(inPost(1), 1);
  expect(replica.countsOf('post-1')).toEqual(ZERO_COUNTS);
  expect(replica.counts).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
  expect(replica.countsOf('lobby')).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('own and remote sessions of a channel count together, and a channel with only remote sessions counts', () => {
  answer({ [inPost(1, BEN)]: present, [inPost(2, BEN)]: present });
  replica.heartbeat(inPost(1), 'release', 0);
  expect(replica.countsOf('post-1')).toEqual({ ...ZERO_COUNTS, presence: 1, release: 1 });
  expect(replica.countsOf('post-2')).toEqual({ ...ZERO_COUNTS, presence: 1 });
});

it('two heartbeats of one session open its channel once', () => {
  replica.heartbeat(inPost(1), 'release', 0);
  replica.heartbeat(inPost(1), 'release', 10_000);
  expect(replica.hasMaxChannels).toBe(false);
  replica.heartbeat(inPost(2), 'release', 10_000);
  expect(replica.hasMaxChannels).toBe(true);
});

it('a replica whose own and remote sessions open all allowed channels admits sessions to these only', () => {
  answer({ [inPost(1, BEN)]: present });
  expect(replica.admit(inPost(2), 0)).toBe('new');
  replica.heartbeat(inPost(2), 'presence', 0);
  expect(replica.admit(inPost(3), 0)).toBe('full');
  expect(replica.admit(inPost(1), 0)).toBe('new');
  expect(replica.admit(inPost(2, BEN), 0)).toBe('new');
});

it('a replica at its maximum of channels admits sessions to the default and to listed channels', () => {
  for (const n of [1, 2]) replica.heartbeat(inPost(n), 'presence', 0);
  expect(replica.admit(inPost(3), 0)).toBe('full');
  expect(replica.admit(ANNA, 0)).toBe('new');
  expect(replica.admit(sessionKey('lobby', ANNA), 0)).toBe('new');
});

it('a replica at its maximum of channels admits a new channel when the open ones expire', () => {
  for (const n of [1, 2]) replica.heartbeat(inPost(n), 'presence', 0);
  answer({}, { sentAt: 20_000 });
  expect(replica.admit(inPost(3), 29_999)).toBe('full');
  expect(replica.admit(inPost(3), 30_000)).toBe('new');
});

it('a session opens a channel only if the channel is empty everywhere and not listed', () => {
  answer({ [inPost(1, BEN)]: present });
  replica.heartbeat(inPost(2), 'presence', 0);
  expect(['', 'lobby', 'post-1', 'post-2', 'post-3'].filter((one) => replica.wouldOpen(one))).toEqual([
    'post-3',
  ]);
});

it.each([
  ['before the first answer', () => (replica = new Replica(roomTiming(30_000, 1_000), 100, RULES))],
  ['with a room that knows no channels', () => answer({}, { includesChannels: false })],
  ['when the last answer is a TTL old', () => replica.expire(30_000)],
])('no session opens a channel %s, because every channel looks empty', (_when, make) => {
  make();
  expect(replica.wouldOpen('post-3')).toBe(false);
});

it('a channel with the name of an object property is empty, and counts its sessions', () => {
  for (const name of ['constructor', 'toString', 'valueOf']) {
    expect(replica.countsOf(name)).toEqual(ZERO_COUNTS);
    replica.heartbeat(sessionKey(name, ANNA), 'release', 0);
    expect(replica.countsOf(name)).toEqual({ ...ZERO_COUNTS, release: 1 });
  }
});
