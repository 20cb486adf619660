import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Health, PresenceState } from '../../../src/api/answer-schemas';
import { emptyStorage } from '../../support/empty-storage';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';
import { problemOf } from './problem-of';

const BEAT = { sessionId: sessionId(1), mood: 'presence' };
const UPGRADE = { Upgrade: 'websocket' };

const isolate = (variables: object = {}) => fetchOf({ ...env, PRESENCE_HUB: 'durable-object', ...variables });

let fetch: Fetch;
beforeEach(async () => {
  await emptyStorage();
  fetch = isolate();
});

/** The first message of an opened socket. */
async function firstOf(response: Response): Promise<PresenceState> {
  expect(response.status).toBe(101);
  const { webSocket } = response;
  if (webSocket === null) throw new Error('No socket.');
  const first = new Promise<string>((resolve) => {
    webSocket.addEventListener('message', ({ data }) => resolve(String(data)));
  });
  webSocket.accept();
  const state = strict(PresenceState).parse(JSON.parse(await first));
  const closed = new Promise((resolve) => webSocket.addEventListener('close', resolve));
  webSocket.close(1000);
  await closed;
  return state;
}

describe('GET /api/live with the room', () => {
  it('opens a socket that is told the presence', async () => {
    await post(fetch, '/api/heartbeat', BEAT);
    const state = await firstOf(await fetch('/api/live', { headers: UPGRADE }));
    expect(state).toMatchObject({ count: 1, moods: { presence: 1 } });
  });

  it('takes the word for the upgrade in any case', async () => {
    await firstOf(await fetch('/api/live', { headers: { Upgrade: 'WebSocket' } }));
  });

  it.each([{}, { Upgrade: 'h2c' }])('answers a problem to what is no WebSocket: %j', async (headers) => {
    const response = await fetch('/api/live', { headers });
    expect(response.headers.get('Upgrade')).toBe('websocket');
    await problemOf(response, 'upgrade-required');
  });

  it('opens nothing for HEAD', async () => {
    expect((await fetch('/api/live', { method: 'HEAD', headers: UPGRADE })).status).toBe(426);
  });

  it('counts each socket as a new session of its network', async () => {
    const keys: string[] = [];
    const limiter = {
      limit: async ({ key }: RateLimitOptions) => {
        keys.push(key);
        return { success: keys.length <= 2 };
      },
    };
    const limited = isolate({ NEW_SESSIONS: limiter });
    const ask = () => limited('/api/live', { headers: { ...UPGRADE, 'CF-Connecting-IP': '192.0.2.7' } });
    await firstOf(await ask());
    await firstOf(await ask());
    const response = await ask();
    expect(response.headers.get('Retry-After')).toBe('60');
    await problemOf(response, 'too-many-new-sessions');
    expect(keys).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7']);
  });

  it('an app around this one can add headers to the answer that opens a socket', async () => {
    const response = await fetch('/api/live', { headers: UPGRADE });
    response.headers.set('X-Frame-Options', 'DENY');
    await firstOf(response);
  });

  it('the Worker asks the room at a fixed address, with the headers of the client', async () => {
    const asked: Request[] = [];
    const rooms = {
      getByName: () => ({
        fetch: async (request: Request) => {
          asked.push(request);
          return new Response(null, { status: 503 });
        },
        sync: () => Promise.reject(new Error('away')),
      }),
    };
    const headers = { ...UPGRADE, 'Sec-WebSocket-Protocol': 'a' };
    await isolate({ PRESENCE_ROOM: rooms })('/api/live?a=b', { headers });
    expect(asked.map(({ url }) => url)).toEqual(['http://room/channels/']);
    expect(asked[0]?.headers.get('Sec-WebSocket-Protocol')).toBe('a');
  });

  it('answers 405 to other methods', async () => {
    const response = await fetch('/api/live', { method: 'POST', headers: UPGRADE });
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS');
    await problemOf(response, 'method-not-allowed');
  });

  it('refuses an origin that is not listed, and opens for one that is, and for the own one', async () => {
    const listed = isolate({ ALLOWED_ORIGINS: 'https://good.example' });
    const ask = (origin: string) => listed('/api/live', { headers: { ...UPGRADE, Origin: origin } });
    for (const origin of ['https://evil.example', 'https://good.example.evil.example', 'null']) {
      await problemOf(await ask(origin), 'origin-not-allowed');
    }
    await firstOf(await ask('https://good.example'));
    await firstOf(await ask('http://localhost'));
  });

  it.each([
    ['is away', () => Promise.reject(new Error('overloaded')), 1],
    [
      'throws',
      () => {
        throw new Error('overloaded');
      },
      1,
    ],
    ['is full', () => Promise.resolve(new Response(null, { status: 503 })), 0],
  ])(
    'answers 503 and when to try again where the room %s',
    async (_what, open: () => Promise<Response>, lines) => {
      const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      const rooms = {
        getByName: () => ({ fetch: open, sync: () => Promise.reject(new Error('overloaded')) }),
      };
      const response = await isolate({ PRESENCE_ROOM: rooms })('/api/live', { headers: UPGRADE });
      expect(response.headers.get('Retry-After')).toMatch(/^\d+$/);
      await problemOf(response, 'live-unavailable');
      // What kept it from being opened the log tells.
      expect(log.mock.calls.flat().filter((line) => String(line).includes('overloaded'))).toHaveLength(lines);
    },
  );
});

describe('answers of a service with the room', () => {
  it('say that there are live sockets, so that scripts of other origins can read it, errors too', async () => {
    for (const response of [
      await fetch('/api/presence'),
      await post(fetch, '/api/heartbeat', BEAT),
      await post(fetch, '/api/heartbeat', {}),
      await fetch('/nowhere'),
    ]) {
      expect(response.headers.get('Presence-Live')).toBe('1');
      expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Presence-Live');
    }
  });

  it('do not say so with the hub on KV, which has none', async () => {
    const onKv = isolate({ PRESENCE_HUB: 'kv' });
    expect((await onKv('/api/presence')).headers.has('Presence-Live')).toBe(false);
    expect((await onKv('/api/live', { headers: UPGRADE })).status).toBe(404);
  });

  it('are those of the contract, and say which hub there is', async () => {
    const state = await (await post(fetch, '/api/heartbeat', BEAT)).json();
    expect(strict(PresenceState).parse(state)).toMatchObject({ count: 1 });
    const health = strict(Health).parse(await (await fetch('/health')).json());
    expect(health).toMatchObject({ status: 'ok', hub: 'durable-object' });
    expect(await (await post(fetch, '/api/leave', BEAT)).json()).toEqual({ success: true });
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
  });

  it('are no errors where the room is away: each isolate counts its own', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const away = { getByName: () => ({ sync: () => Promise.reject(new Error('overloaded')) }) };
    const alone = isolate({ PRESENCE_ROOM: away });
    expect(await (await post(alone, '/api/heartbeat', BEAT)).json()).toMatchObject({ count: 1 });
    expect(await (await alone('/health')).json()).toMatchObject({
      status: 'degraded',
      hub: 'durable-object',
    });
    expect(log).toHaveBeenCalledOnce();
  });
});
