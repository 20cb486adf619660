import { env } from 'cloudflare:workers';
import { hc } from 'hono/client';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChannelStates, PresenceState } from '../../../src/api/answer-schemas';
import type { AppType } from '../../../src/app';
import { ZERO_COUNTS } from '../../../src/presence/session';
import { emptyRoom } from '../../support/empty-room';
import type { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { createApp, fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';
import { problemOf } from './problem-of';

const [ANNA, BEN] = [sessionId(1), sessionId(2)];
const FROM = { 'CF-Connecting-IP': '192.0.2.7' };
const CHANNELS = { PRESENCE_HUB: 'durable-object', CHANNELS: 'lobby, post-*, constructor' };

let runtime: FakeRuntime;
let fetch: Fetch;
beforeEach(async () => {
  runtime = await emptyRoom();
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

  it('a channel may have the name `default`', async () => {
    fetch = isolate({ CHANNELS: '*' });
    await heartbeat('default');
    expect((await stateOf(fetch('/api/presence'))).count).toBe(0);
    expect((await presence('default')).count).toBe(1);
  });

  it('caches may keep the answers to GET for PRESENCE_CACHE_SECONDS', async () => {
    fetch = isolate({ PRESENCE_CACHE_SECONDS: '5' });
    for (const path of ['/api/channels/lobby/presence', '/api/channels?names=lobby'])
      expect((await fetch(path)).headers.get('Cache-Control')).toBe('public, max-age=5');
  });
});

describe('GET /api/channels', () => {
  it('a list has the counts of each name, and zeros for an empty channel', async () => {
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

  it('a channel with the name of an object property counts like others', async () => {
    expect((await counts('constructor,lobby')).channels['constructor']).toEqual({
      count: 0,
      moods: ZERO_COUNTS,
    });
    await heartbeat('constructor');
    expect((await counts('constructor')).channels).toEqual({
      constructor: { count: 1, moods: { ...ZERO_COUNTS, presence: 1 } },
    });
  });

  it('a list of 50 names gets 50 channels', async () => {
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
  ])('a wrong list gets 400 with the position of each fault: %s', async (query, errors) => {
    const problem = await problemOf(await fetch(`/api/channels${query}`), 'invalid-channel');
    expect(problem.errors).toEqual(errors);
  });

  it('a list with unknown names gets 404 with their positions, and the answer repeats no name', async () => {
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

describe('refused names', () => {
  const paths = ['heartbeat', 'presence', 'leave', 'live'] as const;
  const request = (path: string, body: unknown = {}): RequestInit =>
    path === 'heartbeat' || path === 'leave' ? { method: 'POST', body: String(body) } : {};

  it.each(paths)(
    'a service without channels answers 404, even to a wrong name and a wrong body: %s',
    async (path) => {
      for (const variables of [{ CHANNELS: undefined }, { CHANNELS: undefined, PRESENCE_HUB: 'kv' }]) {
        const response = await isolate(variables)(`/api/channels/-x/${path}`, request(path));
        await problemOf(response, 'no-channels');
      }
    },
  );

  it.each(paths)('an invalid name gets 400 before the body is read: %s', async (path) => {
    const response = await fetch(`/api/channels/-x/${path}`, request(path, '{'));
    expect((await problemOf(response, 'invalid-channel')).errors?.[0]?.pointer).toBe('#/channel');
  });

  it.each(paths)('an unknown name gets 404 before the body is read: %s', async (path) => {
    const response = await fetch(`/api/channels/hall/${path}`, request(path, '{'));
    const errors = [{ pointer: '#/channel', detail: 'must be a channel of this service' }];
    expect((await problemOf(response, 'unknown-channel')).errors).toEqual(errors);
  });

  it('a foreign origin gets 403 before the name is read', async () => {
    fetch = isolate({ ALLOWED_ORIGINS: 'https://good.example' });
    const headers = { Origin: 'https://evil.example' };
    await problemOf(await fetch('/api/channels/-x/presence', { headers }), 'origin-not-allowed');
  });

  it('a wrong body gets 400 before the limiters count it', async () => {
    const limit = vi.fn(async () => ({ success: false }));
    fetch = isolate({ NEW_SESSIONS: { limit }, NEW_CHANNELS: { limit } });
    await problemOf(await post(fetch, '/api/channels/lobby/heartbeat', {}, FROM), 'invalid-body');
    expect(limit).not.toHaveBeenCalled();
  });
});

it('the typed client sends heartbeats to a channel and reads the counts of a list', async () => {
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
