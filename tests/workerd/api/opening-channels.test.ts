import { env } from 'cloudflare:workers';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { PresenceState } from '../../../src/api/answer-schemas';
import { emptyRoom } from '../../support/empty-room';
import type { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

// A heartbeat in an empty channel opens it. The limiter NEW_CHANNELS and CHANNELS_MAX bound how many channels are open.

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const FROM = { 'CF-Connecting-IP': '192.0.2.7' };
const CHANNELS = { PRESENCE_HUB: 'durable-object', CHANNELS: 'lobby, post-*' };

let runtime: FakeRuntime;
let fetch: Fetch;
beforeEach(async () => {
  runtime = await emptyRoom();
  fetch = isolate();
});
afterAll(() => void vi.useRealTimers());

const isolate = (variables: object = {}) => fetchOf({ ...env, ...CHANNELS, ...variables }, runtime);

const heartbeat = (channel: string, id = ANNA, by = fetch, headers = {}) =>
  post(by, `/api/channels/${channel}/heartbeat`, { sessionId: id, mood: 'presence' }, headers);
const leave = (channel: string, id = ANNA) =>
  post(fetch, `/api/channels/${channel}/leave`, { sessionId: id });
const presence = async (channel: string) =>
  PresenceState.parse(await (await fetch(`/api/channels/${channel}/presence`)).json());

const passes = async () => ({ success: true });
const refuses = async () => ({ success: false });

it('a session that opens a channel passes both limits; one in an open or listed channel passes one', async () => {
  const [sessions, channels] = [vi.fn(passes), vi.fn(passes)];
  fetch = isolate({ NEW_SESSIONS: { limit: sessions }, NEW_CHANNELS: { limit: channels } });
  const calls = () => [sessions.mock.calls.length, channels.mock.calls.length];
  await heartbeat('post-7', ANNA, fetch, FROM);
  expect(calls()).toEqual([1, 1]);
  await heartbeat('post-7', ANNA, fetch, FROM);
  expect(calls()).toEqual([1, 1]);
  await heartbeat('post-7', BEN, fetch, FROM);
  expect(calls()).toEqual([2, 1]);
  await heartbeat('lobby', ANNA, fetch, FROM);
  expect(calls()).toEqual([3, 1]);
  await leave('post-7', ANNA);
  await leave('post-7', BEN);
  await heartbeat('post-7', sessionId(3), fetch, FROM);
  expect(calls()).toEqual([4, 2]);
});

it('a network over the channel limit opens no channel, and still starts sessions in open and listed ones', async () => {
  const other = isolate();
  await heartbeat('post-7', ANNA, other);
  await runtime.advance(1_500);
  fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
  const response = await heartbeat('post-8', BEN, fetch, FROM);
  expect(response.headers.get('Retry-After')).toBe('60');
  await problemOf(response, 'too-many-new-sessions');
  expect((await presence('post-8')).count).toBe(0);
  for (const channel of ['post-7', 'lobby'])
    expect((await heartbeat(channel, BEN, fetch, FROM)).status).toBe(200);
});

it('30 sessions that start together in a new channel pass, although their network may open one channel', async () => {
  let left = 1;
  const limit = async () => ({ success: left-- > 0 });
  fetch = isolate({ NEW_CHANNELS: { limit } });
  await presence('lobby');
  const together = Array.from({ length: 30 }, (_, n) => heartbeat('post-7', sessionId(n), fetch, FROM));
  for (const response of await Promise.all(together)) expect(response.status).toBe(200);
  expect((await presence('post-7')).count).toBe(30);
});

it('an isolate without a request for a TTL still refuses a network over the channel limit', async () => {
  fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
  await presence('lobby');
  await runtime.advance(31_000);
  await problemOf(await heartbeat('post-8', BEN, fetch, FROM), 'too-many-new-sessions');
});

it('a heartbeat and a live socket pass in a channel that another isolate opened since the last sync', async () => {
  fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
  await presence('lobby');
  const other = isolate();
  await runtime.advance(5_000);
  await heartbeat('post-7', ANNA, other);
  await runtime.advance(1_500);
  expect((await heartbeat('post-7', BEN, fetch, FROM)).status).toBe(200);
  const headers = { Upgrade: 'websocket', ...FROM };
  await runtime.advance(5_000);
  const socket = (await fetch('/api/channels/post-7/live', { headers })).webSocket;
  socket?.accept();
  socket?.close(1000);
  expect((await presence('post-7')).count).toBe(2);
});

it('30 sessions that start together pass, although another network is refused at the same moment', async () => {
  let calls = 0;
  const limit = async () => {
    calls += 1;
    return { success: calls === 2 };
  };
  fetch = isolate({ NEW_CHANNELS: { limit } });
  await presence('lobby');
  const refused = heartbeat('post-7', BEN, fetch, { 'CF-Connecting-IP': '192.0.2.66' });
  const together = Array.from({ length: 30 }, (_, n) => heartbeat('post-7', sessionId(10 + n), fetch, FROM));
  expect((await refused).status).toBe(429);
  for (const response of await Promise.all(together)) expect(response.status).toBe(200);
});

it('a session that opens a channel passes while the channel limiter fails, and /health reports it', async () => {
  const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  fetch = isolate({ NEW_CHANNELS: { limit: () => Promise.reject(new Error('unavailable')) } });
  expect((await heartbeat('post-7', ANNA, fetch, FROM)).status).toBe(200);
  expect(await (await fetch('/health')).json()).toMatchObject({ reason: 'limiter-failed' });
  log.mockRestore();
});

it('a live socket and a heartbeat in an empty channel have separate keys at the channel limiter', async () => {
  const keys: string[] = [];
  const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) > 0 });
  fetch = isolate({ NEW_CHANNELS: { limit } });
  const headers = { Upgrade: 'websocket', ...FROM };
  const socket = (await fetch('/api/channels/post-7/live', { headers })).webSocket;
  socket?.accept();
  socket?.close(1000);
  await heartbeat('post-7', ANNA, fetch, FROM);
  expect(keys).toEqual(['live 192.0.2.7', '192.0.2.7']);
});

it('the channel limiter checks a live socket in an empty channel, and none in a listed one', async () => {
  const channels = vi.fn(refuses);
  fetch = isolate({ NEW_CHANNELS: { limit: channels } });
  const headers = { Upgrade: 'websocket', ...FROM };
  await problemOf(await fetch('/api/channels/post-7/live', { headers }), 'too-many-new-sessions');
  expect(channels).toHaveBeenCalledTimes(1);
  const socket = (await fetch('/api/channels/lobby/live', { headers })).webSocket;
  expect(channels).toHaveBeenCalledTimes(1);
  socket?.accept();
  socket?.close(1000);
});

it('a channel beyond CHANNELS_MAX gets 503, /health reports it, and open and listed channels accept sessions', async () => {
  fetch = isolate({ CHANNELS_MAX: '2' });
  await presence('lobby');
  for (const n of [1, 2]) expect((await heartbeat(`post-${n}`)).status).toBe(200);
  const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const response = await heartbeat('post-3');
  expect(response.headers.get('Retry-After')).toBe('10');
  await problemOf(response, 'full');
  expect(String(log.mock.calls[0])).toContain('CHANNELS_MAX');
  expect(String(log.mock.calls)).not.toContain('post-3');
  log.mockRestore();
  await runtime.advance(1_500);
  await presence('lobby');
  expect(await (await fetch('/health')).json()).toMatchObject({
    status: 'degraded',
    reason: 'too-many-channels',
  });
  for (const channel of ['post-1', 'lobby']) expect((await heartbeat(channel)).status).toBe(200);
  expect((await heartbeat('post-2', BEN)).status).toBe(200);
  await leave('post-1');
  expect((await heartbeat('post-3')).status).toBe(200);
});

it.each([
  ['lobby, post-*', 'no-limiter'],
  ['lobby', null],
])(
  'a service without NEW_CHANNELS reports `no-limiter` only if CHANNELS has a prefix: %s',
  async (list, reason) => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    fetch = isolate({ CHANNELS: list, NEW_CHANNELS: undefined });
    expect(await (await fetch('/health')).json()).toMatchObject({ reason });
    log.mockRestore();
  },
);
