import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Health, PresenceState } from '../../../src/api/answer-schemas';
import { emptyStorage } from '../../support/empty-storage';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';
import { problemOf } from './problem-of';

const HEARTBEAT = { sessionId: sessionId(1), mood: 'presence' };
const UPGRADE = { Upgrade: 'websocket' };

const isolate = (variables: object = {}) => fetchOf({ ...env, PRESENCE_HUB: 'durable-object', ...variables });

let fetch: Fetch;
beforeEach(async () => {
  await emptyStorage();
  fetch = isolate();
});

/** Returns the first message of an opened socket, and closes the socket. */
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

describe('GET /api/live', () => {
  it('a live socket receives the presence when it opens', async () => {
    await post(fetch, '/api/heartbeat', HEARTBEAT);
    const state = await firstOf(await fetch('/api/live', { headers: UPGRADE }));
    expect(state).toMatchObject({ count: 1, moods: { presence: 1 } });
  });

  it('a live socket opens for an Upgrade header in other letter case', async () => {
    await firstOf(await fetch('/api/live', { headers: { Upgrade: 'WebSocket' } }));
  });

  it.each([{}, { Upgrade: 'h2c' }])('a request without a WebSocket upgrade gets 426: %j', async (headers) => {
    const response = await fetch('/api/live', { headers });
    expect(response.headers.get('Upgrade')).toBe('websocket');
    await problemOf(response, 'upgrade-required');
  });

  it('a HEAD request opens no socket', async () => {
    expect((await fetch('/api/live', { method: 'HEAD', headers: UPGRADE })).status).toBe(426);
  });

  it('the limiter counts each live socket as a new session of its network', async () => {
    const keys: string[] = [];
    const limiter = {
      limit: async ({ key }: RateLimitOptions) => {
        keys.push(key);
        return { success: keys.length <= 2 };
      },
    };
    const limited = isolate({ NEW_SESSIONS: limiter });
    const request = () => limited('/api/live', { headers: { ...UPGRADE, 'CF-Connecting-IP': '192.0.2.7' } });
    await firstOf(await request());
    await firstOf(await request());
    const response = await request();
    expect(response.headers.get('Retry-After')).toBe('60');
    await problemOf(response, 'too-many-new-sessions');
    expect(keys).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7']);
  });

  it('an outer app can add headers to the answer that opens a socket', async () => {
    const response = await fetch('/api/live', { headers: UPGRADE });
    response.headers.set('X-Frame-Options', 'DENY');
    await firstOf(response);
  });

  it('the Worker sends an upgrade to the room at a fixed address, with the headers of the client', async () => {
    const received: Request[] = [];
    const rooms = {
      getByName: () => ({
        fetch: async (request: Request) => {
          received.push(request);
          return new Response(null, { status: 503 });
        },
        sync: () => Promise.reject(new Error('unavailable')),
      }),
    };
    const headers = { ...UPGRADE, 'Sec-WebSocket-Protocol': 'a' };
    await isolate({ PRESENCE_ROOM: rooms })('/api/live?a=b', { headers });
    expect(received.map(({ url }) => url)).toEqual(['http://room/channels/']);
    expect(received[0]?.headers.get('Sec-WebSocket-Protocol')).toBe('a');
  });

  it('a POST request to /api/live gets 405', async () => {
    const response = await fetch('/api/live', { method: 'POST', headers: UPGRADE });
    expect(response.headers.get('Allow')).toBe('GET, HEAD, OPTIONS');
    await problemOf(response, 'method-not-allowed');
  });

  it('a live socket opens for a listed origin and for the own origin, and for no foreign one', async () => {
    const listed = isolate({ ALLOWED_ORIGINS: 'https://good.example' });
    const request = (origin: string) => listed('/api/live', { headers: { ...UPGRADE, Origin: origin } });
    for (const origin of ['https://evil.example', 'https://good.example.evil.example', 'null']) {
      await problemOf(await request(origin), 'origin-not-allowed');
    }
    await firstOf(await request('https://good.example'));
    await firstOf(await request('http://localhost'));
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('overloaded')), 1],
    [
      'throws',
      () => {
        throw new Error('overloaded');
      },
      1,
    ],
    ['is full', () => Promise.resolve(new Response(null, { status: 503 })), 0],
  ])(
    'a request for a live socket gets 503 with Retry-After if the room %s',
    async (_what, open: () => Promise<Response>, lines) => {
      const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      const rooms = {
        getByName: () => ({ fetch: open, sync: () => Promise.reject(new Error('overloaded')) }),
      };
      const response = await isolate({ PRESENCE_ROOM: rooms })('/api/live', { headers: UPGRADE });
      expect(response.headers.get('Retry-After')).toMatch(/^\d+$/);
      await problemOf(response, 'live-unavailable');
      // The log has the error that prevented the socket. A full room is no error.
      expect(log.mock.calls.flat().filter((line) => String(line).includes('overloaded'))).toHaveLength(lines);
    },
  );
});

describe('answers with the room', () => {
  it('answers and errors of a service with the room expose Presence-Live to scripts of other origins', async () => {
    for (const response of [
      await fetch('/api/presence'),
      await post(fetch, '/api/heartbeat', HEARTBEAT),
      await post(fetch, '/api/heartbeat', {}),
      await fetch('/nowhere'),
    ]) {
      expect(response.headers.get('Presence-Live')).toBe('1');
      expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Presence-Live');
    }
  });

  it('a service on KV sends no Presence-Live and opens no live socket', async () => {
    const onKv = isolate({ PRESENCE_HUB: 'kv' });
    expect((await onKv('/api/presence')).headers.has('Presence-Live')).toBe(false);
    expect((await onKv('/api/live', { headers: UPGRADE })).status).toBe(404);
  });

  it('a service with the room answers the contract, and its health names the room', async () => {
    const state = await (await post(fetch, '/api/heartbeat', HEARTBEAT)).json();
    expect(strict(PresenceState).parse(state)).toMatchObject({ count: 1 });
    const health = strict(Health).parse(await (await fetch('/health')).json());
    expect(health).toMatchObject({ status: 'ok', hub: 'durable-object' });
    expect(await (await post(fetch, '/api/leave', HEARTBEAT)).json()).toEqual({ success: true });
    expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
  });

  it('an isolate counts its own sessions while the room is unavailable, and its health is degraded', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const overloaded = { getByName: () => ({ sync: () => Promise.reject(new Error('overloaded')) }) };
    const alone = isolate({ PRESENCE_ROOM: overloaded });
    expect(await (await post(alone, '/api/heartbeat', HEARTBEAT)).json()).toMatchObject({ count: 1 });
    expect(await (await alone('/health')).json()).toMatchObject({
      status: 'degraded',
      hub: 'durable-object',
    });
    expect(log).toHaveBeenCalledOnce();
  });
});
