import { env } from 'cloudflare:workers';
import { hc } from 'hono/client';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChannelStates, PresenceState } from '../../../src/api/answer-schemas';
import { type AppType, createApp } from '../../../src/app';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';
import { problemOf } from './problem-of';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const FROM = { 'CF-Connecting-IP': '192.0.2.7' };
const CHANNELS = { PRESENCE_HUB: 'durable-object', CHANNELS: 'lobby, post-*, constructor' };

let runtime: FakeRuntime;
let fetch: Fetch;
beforeEach(async () => {
  // Before the storage is emptied, otherwise the last room sees 11 months pass and looks at each quarter of a second.
  vi.useFakeTimers({ toFake: ['Date'] });
  runtime = new FakeRuntime();
  // The room reads its own clock, which must show the time of the test.
  runtime.onTick = (now) => void vi.setSystemTime(now);
  await emptyStorage();
  fetch = isolate();
});
afterAll(() => void vi.useRealTimers());

const isolate = (variables: object = {}) => fetchOf({ ...env, ...CHANNELS, ...variables }, runtime);

const stateOf = async (response: Response | Promise<Response>) =>
  strict(PresenceState).parse(await (await response).json());

const heartbeat = (channel: string, id = ANNA, mood = 'presence', by = fetch, headers = {}) =>
  post(by, `/api/channels/${channel}/heartbeat`, { sessionId: id, mood }, headers);
const leave = (channel: string, id = ANNA) =>
  post(fetch, `/api/channels/${channel}/leave`, { sessionId: id });
const presence = (channel: string) => stateOf(fetch(`/api/channels/${channel}/presence`));
const counts = async (names: string) =>
  strict(ChannelStates).parse(await (await fetch(`/api/channels?names=${names}`)).json());

describe('a channel', () => {
  it('a heartbeat counts in its channel only, and the answer is the state of that channel', async () => {
    const expected = { count: 1, moods: { ...ZERO_COUNTS, release: 1 }, timestamp: runtime.now() };
    expect(await stateOf(heartbeat('lobby', ANNA, 'release'))).toEqual(expected);
    expect(await presence('lobby')).toEqual(expected);
    expect(await presence('post-7')).toMatchObject({ count: 0 });
    expect(await stateOf(fetch('/api/presence'))).toMatchObject({ count: 0 });
  });

  it('a session in two channels and the default one counts once in each', async () => {
    await heartbeat('lobby', ANNA, 'release');
    await heartbeat('post-7', ANNA, 'gratitude');
    await post(fetch, '/api/heartbeat', { sessionId: ANNA, mood: 'presence' });
    await heartbeat('lobby', ANNA.toUpperCase(), 'release');
    expect((await presence('lobby')).moods).toEqual({ ...ZERO_COUNTS, release: 1 });
    expect((await presence('post-7')).moods).toEqual({ ...ZERO_COUNTS, gratitude: 1 });
    expect((await stateOf(fetch('/api/presence'))).moods).toEqual({ ...ZERO_COUNTS, presence: 1 });
  });

  it('a leave ends a session in its channel only', async () => {
    for (const channel of ['lobby', 'post-7']) await heartbeat(channel);
    await post(fetch, '/api/heartbeat', { sessionId: ANNA, mood: 'presence' });
    expect(await (await leave('lobby')).json()).toEqual({ success: true });
    expect((await presence('lobby')).count).toBe(0);
    expect((await presence('post-7')).count).toBe(1);
    expect((await stateOf(fetch('/api/presence'))).count).toBe(1);
    await post(fetch, '/api/leave', { sessionId: ANNA });
    expect((await presence('post-7')).count).toBe(1);
  });

  it.each(['lobby', 'post-7'])(
    'a session at a fresh isolate counts at other isolates at once: %s',
    async (channel) => {
      await heartbeat(channel);
      const there = await isolate()(`/api/channels/${channel}/presence`);
      expect((await stateOf(there)).count).toBe(1);
    },
  );

  it('a session in a channel expires 30 s after its last heartbeat', async () => {
    await heartbeat('lobby');
    await runtime.advance(29_999);
    expect((await presence('lobby')).count).toBe(1);
    await runtime.advance(1);
    expect((await presence('lobby')).count).toBe(0);
  });

  it('`default` is an ordinary name', async () => {
    fetch = isolate({ CHANNELS: '*' });
    await heartbeat('default');
    expect((await stateOf(fetch('/api/presence'))).count).toBe(0);
    expect((await presence('default')).count).toBe(1);
  });

  it('a cache may keep the answers to GET for as long as the setting says', async () => {
    fetch = isolate({ PRESENCE_CACHE_SECONDS: '5' });
    for (const path of ['/api/channels/lobby/presence', '/api/channels?names=lobby'])
      expect((await fetch(path)).headers.get('Cache-Control')).toBe('public, max-age=5');
  });
});

describe('GET /api/channels', () => {
  it('the answer has the counts of each name, and zeros for an empty channel', async () => {
    await heartbeat('lobby', ANNA, 'release');
    await heartbeat('lobby', BEN, 'gratitude');
    await heartbeat('post-7', ANNA, 'gratitude');
    expect(await counts('post-7,lobby,post-8')).toEqual({
      channels: {
        lobby: { count: 2, moods: { ...ZERO_COUNTS, release: 1, gratitude: 1 } },
        'post-7': { count: 1, moods: { ...ZERO_COUNTS, gratitude: 1 } },
        'post-8': { count: 0, moods: ZERO_COUNTS },
      },
      timestamp: runtime.now(),
    });
  });

  it('the name of a property of all objects is a name like others', async () => {
    expect((await counts('constructor,lobby')).channels['constructor']).toEqual({
      count: 0,
      moods: ZERO_COUNTS,
    });
    await heartbeat('constructor');
    expect((await counts('constructor')).channels).toEqual({
      constructor: { count: 1, moods: { ...ZERO_COUNTS, presence: 1 } },
    });
  });

  it('fifty names are answered', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `post-${n}`);
    expect(Object.keys((await counts(names.join(','))).channels)).toHaveLength(50);
  });

  const list = 'must be 1 to 50 names with commas between them';
  const name = expect.stringMatching(/^must have 1 to 64 letters/);
  it.each([
    ['', [{ pointer: '#/names', detail: list }]],
    ['?name=lobby', [{ pointer: '#/names', detail: list }]],
    ['?names[]=lobby', [{ pointer: '#/names', detail: list }]],
    ['?names=lobby&names=post-7', [{ pointer: '#/names', detail: list }]],
    [`?names=${Array.from({ length: 51 }, (_, n) => `post-${n}`)}`, [{ pointer: '#/names', detail: list }]],
    ['?names=', [{ pointer: '#/names/0', detail: name }]],
    ['?names=lobby,,post-7', [{ pointer: '#/names/1', detail: name }]],
    [
      '?names=lobby,.peter,post-7,-paul',
      [
        { pointer: '#/names/1', detail: name },
        { pointer: '#/names/3', detail: name },
      ],
    ],
    ['?names=lobby,post-7,lobby', [{ pointer: '#/names/2', detail: 'must differ from the names before it' }]],
  ])('a query is refused at its position: %s', async (query, errors) => {
    const problem = await problemOf(await fetch(`/api/channels${query}`), 'invalid-channel');
    expect(problem.errors).toEqual(errors);
  });

  it('a name that the service does not allow is refused at its position, and no name is repeated', async () => {
    const response = await fetch('/api/channels?names=lobby,peter,post-7,paul');
    const text = await response.clone().text();
    const detail = 'must be a channel of this service';
    expect((await problemOf(response, 'unknown-channel')).errors).toEqual([
      { pointer: '#/names/1', detail },
      { pointer: '#/names/3', detail },
    ]);
    expect(text).not.toMatch(/peter|paul|lobby/);
  });
});

describe('a name that is refused', () => {
  const paths = ['heartbeat', 'presence', 'leave', 'live'] as const;
  const request = (path: string, body: unknown = {}): RequestInit =>
    path === 'heartbeat' || path === 'leave' ? { method: 'POST', body: String(body) } : {};

  it.each(paths)('a service without channels answers 404 before anything else: %s', async (path) => {
    for (const variables of [{ CHANNELS: undefined }, { CHANNELS: undefined, PRESENCE_HUB: 'kv' }]) {
      const response = await isolate(variables)(`/api/channels/-x/${path}`, request(path));
      await problemOf(response, 'no-channels');
    }
  });

  it.each(paths)('a name that is not valid gets 400 before the body is read: %s', async (path) => {
    const response = await fetch(`/api/channels/-x/${path}`, request(path, '{'));
    expect((await problemOf(response, 'invalid-channel')).errors?.[0]?.pointer).toBe('#/channel');
  });

  it.each(paths)('a name that is not allowed gets 404 before the body is read: %s', async (path) => {
    const response = await fetch(`/api/channels/hall/${path}`, request(path, '{'));
    const errors = [{ pointer: '#/channel', detail: 'must be a channel of this service' }];
    expect((await problemOf(response, 'unknown-channel')).errors).toEqual(errors);
  });

  it('a foreign origin gets 403 before the name is read', async () => {
    fetch = isolate({ ALLOWED_ORIGINS: 'https://good.example' });
    const headers = { Origin: 'https://evil.example' };
    await problemOf(await fetch('/api/channels/-x/presence', { headers }), 'origin-not-allowed');
  });

  it('a wrong body gets 400 before the limiter is asked', async () => {
    const limit = vi.fn(async () => ({ success: false }));
    fetch = isolate({ NEW_SESSIONS: { limit }, NEW_CHANNELS: { limit } });
    await problemOf(await post(fetch, '/api/channels/lobby/heartbeat', {}, FROM), 'invalid-body');
    expect(limit).not.toHaveBeenCalled();
  });
});

describe('opening channels', () => {
  const passes = async () => ({ success: true });
  const refuses = async () => ({ success: false });

  it('a session that opens a channel passes both limits; one in an open or listed channel passes one', async () => {
    const [sessions, channels] = [vi.fn(passes), vi.fn(passes)];
    fetch = isolate({ NEW_SESSIONS: { limit: sessions }, NEW_CHANNELS: { limit: channels } });
    const calls = () => [sessions.mock.calls.length, channels.mock.calls.length];
    await heartbeat('post-7', ANNA, 'presence', fetch, FROM);
    expect(calls()).toEqual([1, 1]);
    await heartbeat('post-7', ANNA, 'presence', fetch, FROM);
    expect(calls()).toEqual([1, 1]);
    await heartbeat('post-7', BEN, 'presence', fetch, FROM);
    expect(calls()).toEqual([2, 1]);
    await heartbeat('lobby', ANNA, 'presence', fetch, FROM);
    expect(calls()).toEqual([3, 1]);
    await leave('post-7', ANNA);
    await leave('post-7', BEN);
    await heartbeat('post-7', sessionId(3), 'presence', fetch, FROM);
    expect(calls()).toEqual([4, 2]);
  });

  it('a network over the limit opens no channel, and still gets into open and listed ones', async () => {
    const other = isolate();
    await heartbeat('post-7', ANNA, 'presence', other);
    await runtime.advance(1_500);
    fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
    const response = await heartbeat('post-8', BEN, 'presence', fetch, FROM);
    expect(response.headers.get('Retry-After')).toBe('60');
    await problemOf(response, 'too-many-new-sessions');
    expect((await presence('post-8')).count).toBe(0);
    for (const channel of ['post-7', 'lobby'])
      expect((await heartbeat(channel, BEN, 'presence', fetch, FROM)).status).toBe(200);
  });

  it('a class that starts together in one channel gets in, although one network may open few channels', async () => {
    let left = 1;
    const limit = async () => ({ success: left-- > 0 });
    fetch = isolate({ NEW_CHANNELS: { limit } });
    await presence('lobby');
    const pupils = Array.from({ length: 30 }, (_, n) =>
      heartbeat('post-7', sessionId(n), 'presence', fetch, FROM),
    );
    for (const response of await Promise.all(pupils)) expect(response.status).toBe(200);
    expect((await presence('post-7')).count).toBe(30);
  });

  it('a network over the limit is refused at an isolate that had no request for a TTL, too', async () => {
    fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
    await presence('lobby');
    await runtime.advance(31_000);
    await problemOf(await heartbeat('post-8', BEN, 'presence', fetch, FROM), 'too-many-new-sessions');
  });

  it('a session gets into a channel that another isolate has opened since the last sync here', async () => {
    fetch = isolate({ NEW_CHANNELS: { limit: refuses } });
    await presence('lobby');
    const other = isolate();
    await runtime.advance(5_000);
    await heartbeat('post-7', ANNA, 'presence', other);
    await runtime.advance(1_500);
    expect((await heartbeat('post-7', BEN, 'presence', fetch, FROM)).status).toBe(200);
    const headers = { Upgrade: 'websocket', ...FROM };
    await runtime.advance(5_000);
    const socket = (await fetch('/api/channels/post-7/live', { headers })).webSocket;
    socket?.accept();
    socket?.close(1000);
    expect((await presence('post-7')).count).toBe(2);
  });

  it('a class that starts together gets in, although a stranger is refused at the same moment', async () => {
    let calls = 0;
    const limit = async () => {
      calls += 1;
      return { success: calls === 2 };
    };
    fetch = isolate({ NEW_CHANNELS: { limit } });
    await presence('lobby');
    const stranger = heartbeat('post-7', BEN, 'presence', fetch, { 'CF-Connecting-IP': '192.0.2.66' });
    const pupils = Array.from({ length: 30 }, (_, n) =>
      heartbeat('post-7', sessionId(10 + n), 'presence', fetch, FROM),
    );
    expect((await stranger).status).toBe(429);
    for (const response of await Promise.all(pupils)) expect(response.status).toBe(200);
  });

  it('a failing limiter of channels lets pass, and /health says so', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    fetch = isolate({ NEW_CHANNELS: { limit: () => Promise.reject(new Error('away')) } });
    expect((await heartbeat('post-7', ANNA, 'presence', fetch, FROM)).status).toBe(200);
    expect(await (await fetch('/health')).json()).toMatchObject({ reason: 'limiter-failed' });
    log.mockRestore();
  });

  it('a socket that watches an empty channel takes nothing from the limit of new sessions', async () => {
    const keys: string[] = [];
    const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) > 0 });
    fetch = isolate({ NEW_CHANNELS: { limit } });
    const headers = { Upgrade: 'websocket', ...FROM };
    const socket = (await fetch('/api/channels/post-7/live', { headers })).webSocket;
    socket?.accept();
    socket?.close(1000);
    await heartbeat('post-7', ANNA, 'presence', fetch, FROM);
    expect(keys).toEqual(['live 192.0.2.7', '192.0.2.7']);
  });

  it('a live socket in an empty channel passes both limits', async () => {
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

  it('channels beyond CHANNELS_MAX get 503, and /health says so; listed ones get in, and known sessions stay', async () => {
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
  ])('a service without NEW_CHANNELS says so if strangers name channels: %s', async (list, reason) => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    fetch = isolate({ CHANNELS: list, NEW_CHANNELS: undefined });
    expect(await (await fetch('/health')).json()).toMatchObject({ reason });
    log.mockRestore();
  });
});

it('the typed client knows the channels', async () => {
  const app = createApp(runtime);
  const client = hc<AppType>('http://localhost', {
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      app.fetch(new Request(input as string, init), { ...env, ...CHANNELS }),
  });
  const lobby = client.api.channels[':channel'];
  const param = { channel: 'lobby' };
  const answer = await lobby.heartbeat.$post({ param, json: { sessionId: ANNA, mood: 'release' } });
  if (answer.status === 200) expect((await answer.json()).moods.release).toBe(1);
  expect(answer.status).toBe(200);
  const all = await client.api.channels.$get({ query: { names: 'lobby,post-7' } });
  if (all.status === 200) expect((await all.json()).channels['lobby']?.count).toBe(1);
  expect(all.status).toBe(200);
});
