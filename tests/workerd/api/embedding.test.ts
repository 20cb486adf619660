import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { logger } from 'hono/logger';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { timing } from 'hono/timing';
import { trimTrailingSlash } from 'hono/trailing-slash';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PresenceState } from '../../../src/api/answer-schemas';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { createApp } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

// These tests check what docs/embedding.md says about Hono apps and proxies.

const HEARTBEAT = { sessionId: sessionId(1), mood: 'presence' };
const UPGRADE = { Upgrade: 'websocket' };
const ROOM = { ...env, PRESENCE_HUB: 'durable-object' };

beforeEach(() => emptyStorage());

const presence = () => createApp(new FakeRuntime());

const fetchOf =
  (app: Hono, bindings: object = env): Fetch =>
  (path, init) =>
    app.request(path, init, bindings);

/** Returns the first state that an opened socket receives, and closes the socket. */
async function firstOf({ status, webSocket }: Response): Promise<PresenceState> {
  expect(status).toBe(101);
  if (webSocket === null) throw new Error('No socket.');
  const first = new Promise<string>((resolve) => {
    webSocket.addEventListener('message', ({ data }) => resolve(String(data)));
  });
  const closed = new Promise((resolve) => webSocket.addEventListener('close', resolve));
  webSocket.accept();
  const state = PresenceState.parse(JSON.parse(await first));
  webSocket.close(1000);
  await closed;
  return state;
}

/** The ways to put the service below a path of another app. */
const MOUNTED: readonly (readonly [string, (outer: Hono) => void])[] = [
  ['route', (outer) => void outer.route('/circle', presence())],
  ['mount', (outer) => void outer.mount('/circle', presence().fetch)],
];

describe.each(MOUNTED)('a service below a path, by %s', (_way, mount) => {
  const outer = new Hono();
  outer.get('/circle/before', (c) => c.text('before'));
  mount(outer);
  outer.get('/elsewhere', (c) => c.text('elsewhere'));
  outer.notFound((c) => c.text('nothing', 404));
  const fetch = fetchOf(outer);

  it('a service below a path answers heartbeats, leaves, presence, health and preflights', async () => {
    expect(await (await post(fetch, '/circle/api/heartbeat', HEARTBEAT)).json()).toMatchObject({ count: 1 });
    expect(await (await fetch('/circle/api/presence')).json()).toMatchObject({ count: 1 });
    expect(await (await post(fetch, '/circle/api/leave', HEARTBEAT)).json()).toEqual({ success: true });
    expect((await fetch('/circle/health')).status).toBe(200);
    for (const path of ['/circle/api/heartbeat', '/circle/api/heartbeat/', '/circle'])
      expect((await fetch(path, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('a service below a path opens a live socket', async () => {
    expect(await firstOf(await fetchOf(outer, ROOM)('/circle/api/live', { headers: UPGRADE }))).toMatchObject(
      {
        count: 0,
      },
    );
  });

  it('a service below a path answers an unknown path with its problem', async () => {
    for (const path of ['/circle/nowhere', '/circle/api', '/circle/api/heartbeats', '/circle'])
      await problemOf(await fetch(path), 'not-found');
  });

  it('the outer app answers unknown paths outside a service', async () => {
    expect(await (await fetch('/nowhere')).text()).toBe('nothing');
    expect(await (await fetch('/circles')).text()).toBe('nothing');
  });

  it.each([
    ['PUT', '/circle/api/heartbeat', 'POST, OPTIONS'],
    ['POST', '/circle/api/presence', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/circle/health', 'GET, HEAD, OPTIONS'],
  ])('a service below a path answers another method with its problem: %s %s', async (method, path, allow) => {
    const response = await fetch(path, { method });
    expect(response.headers.get('Allow')).toBe(allow);
    await problemOf(response, 'method-not-allowed');
  });

  it('a service below a path answers a wrong body and an unexpected error with problems', async () => {
    await problemOf(await post(fetch, '/circle/api/heartbeat', '{'), 'malformed-json');
    await problemOf(await post(fetch, '/circle/api/heartbeat', {}), 'invalid-body');
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const wrong = await fetchOf(outer, { SESSION_TTL_SECONDS: 'soon' })('/circle/health');
    expect(wrong.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await wrong.json()).toMatchObject({ type: '/docs#internal-error' });
  });

  it('the outer app answers on a route below the same path that it added before the service', async () => {
    expect(await (await fetch('/circle/before')).text()).toBe('before');
  });

  it('the outer app answers on its routes outside a service', async () => {
    expect(await (await fetch('/elsewhere')).text()).toBe('elsewhere');
  });
});

it('the outer app answers on a route below the same path that it added after `route`', async () => {
  const outer = new Hono();
  outer.route('/circle', presence());
  outer.get('/circle/later', (c) => c.text('later'));
  expect(await (await fetchOf(outer)('/circle/later')).text()).toBe('later');
  await problemOf(await fetchOf(outer)('/circle/nowhere'), 'not-found');
});

it.each(['/circle', '/circle/', '/'])(
  'a service by `route` at %s answers another method with its problem, also before later middleware',
  async (path) => {
    const outer = new Hono();
    outer.route(path, presence());
    outer.use('*', (_c, next) => next());
    const base = path === '/' ? '' : '/circle';
    await problemOf(await fetchOf(outer)(`${base}/api/heartbeat`, { method: 'PUT' }), 'method-not-allowed');
  },
);

describe('the root of another app', () => {
  const outer = new Hono();
  outer.route('/', presence());
  outer.get('/mine', (c) => c.text('mine'));
  outer.notFound((c) => c.text('nothing', 404));
  const fetch = fetchOf(outer);

  it('the outer app and a service at its root answer on their own paths', async () => {
    expect(await (await post(fetch, '/api/heartbeat', HEARTBEAT)).json()).toMatchObject({ count: 1 });
    expect(await (await fetch('/mine')).text()).toBe('mine');
  });

  it('the outer app answers other paths, and a service at its root answers other methods', async () => {
    expect(await (await fetch('/nowhere')).text()).toBe('nothing');
    await problemOf(await fetch('/api/heartbeat', { method: 'PUT' }), 'method-not-allowed');
  });

  it('the origin list of a service at the root holds for routes that the outer app adds later', async () => {
    const listed = fetchOf(outer, { ...env, ALLOWED_ORIGINS: 'https://good.example' });
    await problemOf(
      await listed('/mine', { headers: { Origin: 'https://evil.example' } }),
      'origin-not-allowed',
    );
  });
});

describe('middleware of another app', () => {
  const AROUND = [
    ['secureHeaders', secureHeaders()],
    ['compress', compress()],
    ['logger', logger(() => undefined)],
    ['requestId', requestId()],
    ['timing', timing()],
    ['trimTrailingSlash', trimTrailingSlash()],
  ] as const;

  it.each(AROUND)(
    'an answer, a problem and a live socket of the service pass %s of the outer app',
    async (_name, middleware) => {
      for (const way of ['route', 'mount'] as const) {
        const outer = new Hono();
        outer.use(middleware);
        if (way === 'route') outer.route('/', presence());
        else outer.mount('/', presence().fetch);
        const fetch = fetchOf(outer, { ...ROOM });
        expect(await (await post(fetch, '/api/heartbeat', HEARTBEAT)).json()).toMatchObject({ count: 1 });
        expect(await (await post(fetch, '/api/heartbeat', {})).json()).toMatchObject({ status: 400 });
        await firstOf(await fetch('/api/live', { headers: UPGRADE }));
      }
    },
  );

  it('middleware of the outer app can read all headers of a request after `next`', async () => {
    const outer = new Hono();
    const read: unknown[] = [];
    outer.use(async (c, next) => {
      await next();
      read.push(c.req.header()['x-mine'], c.req.header('X-Mine'));
    });
    outer.route('/', presence());
    const body = JSON.stringify(HEARTBEAT);
    const headers = { 'Content-Type': 'text/plain', 'Content-Length': String(body.length), 'X-Mine': '1' };
    expect((await fetchOf(outer)('/api/heartbeat', { method: 'POST', headers, body })).status).toBe(200);
    expect(read).toEqual(['1', '1']);
  });

  it('headers that the outer app sets after `next` are in each answer of its service, and in no other answer', async () => {
    const outer = new Hono();
    outer.use(async (c, next) => {
      await next();
      c.header('X-After', '1');
      c.res.headers.set('X-Own', '1');
    });
    const inner = presence();
    outer.route('/', inner);
    const fetch = fetchOf(outer, ROOM);
    const opened = await fetch('/api/live', { headers: UPGRADE });
    for (const { headers } of [opened, await fetch('/api/presence'), await fetch('/api/live')])
      for (const name of ['X-After', 'X-Own']) expect(headers.get(name)).toBe('1');
    await firstOf(opened);
    // The service reuses one set of headers, so a change must not reach a later answer.
    const plain = await inner.request('/api/presence', {}, ROOM);
    for (const name of ['X-After', 'X-Own']) expect(plain.headers.has(name)).toBe(false);
    expect(plain.headers.get('Content-Type')).toBe('application/json');
  });

  it('the service keeps headers that the outer app sets on `c.res` before `next`, and drops those of `c.header`', async () => {
    const outer = new Hono();
    outer.use(async (c, next) => {
      if (c.req.query('in') === 'res') c.res.headers.set('X-Before', '1');
      else c.header('X-Before', '1');
      await next();
    });
    outer.route('/', presence());
    const fetch = fetchOf(outer, ROOM);
    for (const path of ['/api/presence', '/nowhere', '/api/live']) {
      expect((await fetch(`${path}?in=res`)).headers.get('X-Before')).toBe('1');
      if (path !== '/nowhere') expect((await fetch(path)).headers.has('X-Before')).toBe(false);
    }
    const opened = await fetch('/api/live?in=res', { headers: UPGRADE });
    expect(opened.headers.get('X-Before')).toBe('1');
    await firstOf(opened);
  });

  it('`cors` of the outer app lets no unlisted origin pass', async () => {
    const outer = new Hono();
    outer.use(cors({ origin: (origin) => origin, credentials: true }));
    outer.route('/', presence());
    const fetch = fetchOf(outer, { ...env, ALLOWED_ORIGINS: 'https://good.example' });
    const response = await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://evil.example' });
    expect(response.status).toBe(403);
  });
});

describe('a proxy that ends TLS', () => {
  const fetch = fetchOf(presence() as unknown as Hono, {
    ...env,
    ALLOWED_ORIGINS: 'https://good.example',
  });

  it('the own page passes behind a TLS proxy that forwards Host', async () => {
    expect((await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://localhost' })).status).toBe(
      200,
    );
  });

  it('the own page is refused behind a TLS proxy that sends another Host, also with X-Forwarded-Host', async () => {
    const response = await post(fetch, '/api/heartbeat', HEARTBEAT, {
      Origin: 'https://presence.example',
      'X-Forwarded-Host': 'presence.example',
      'X-Forwarded-Proto': 'https',
    });
    await problemOf(response, 'origin-not-allowed');
  });

  it('the own page passes behind a TLS proxy if its origin is listed', async () => {
    expect((await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://good.example' })).status).toBe(
      200,
    );
  });
});
