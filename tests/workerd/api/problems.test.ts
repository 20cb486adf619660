import { env } from 'cloudflare:workers';
import { HTTPException } from 'hono/http-exception';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../../src/api/answer-schemas';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

const ANNA = sessionId(1);
const HEARTBEAT = { sessionId: ANNA, mood: 'presence' };

let fetch: Fetch;
beforeEach(() => {
  fetch = fetchOf(env, new FakeRuntime());
});

describe('unmatched requests', () => {
  it.each(['/', '/api', '/api/heartbeats', '/api/presence/', '/API/presence'])(
    'an unknown path gets 404: %s',
    async (path) => {
      await problemOf(await fetch(path), 'not-found');
    },
  );

  it('/api/live of a service on KV gets 404 and the setting for live sockets', async () => {
    for (const headers of [{}, { Upgrade: 'websocket' }]) {
      const problem = await problemOf(await fetch('/api/live', { headers }), 'no-live-sockets');
      expect(problem.detail).toContain('set the variable PRESENCE_HUB to durable-object');
    }
  });

  it.each([
    ['GET', '/api/heartbeat', 'POST, OPTIONS'],
    ['DELETE', '/api/heartbeat', 'POST, OPTIONS'],
    ['PUT', '/api/leave', 'POST, OPTIONS'],
    ['POST', '/api/presence', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/health', 'GET, HEAD, OPTIONS'],
  ])('another method gets 405 and the allowed methods: %s %s', async (method, path, allow) => {
    const response = await fetch(path, { method });
    expect(response.headers.get('Allow')).toBe(allow);
    await problemOf(response, 'method-not-allowed');
  });

  it.each([
    'text/html',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/json',
    'application/jsonp',
    'image/png',
    'json',
    'application/json, text/html',
    'application/json; charset=utf-8, text/html',
    'text/html, application/json',
    'application/json, json',
    'application/json; a="b, text/html", text/html',
    'text/html; a="b, application/json',
    'a/b+json/c+json',
    '/+json',
    'a/+json',
    'text/application/json',
  ])('a body of another type gets 415: %s', async (type) => {
    await problemOf(
      await post(fetch, '/api/heartbeat', HEARTBEAT, { 'Content-Type': type }),
      'unsupported-media-type',
    );
  });
});

describe('every operation', () => {
  const operations = [
    ['POST', '/api/heartbeat'],
    ['POST', '/api/leave'],
    ['GET', '/api/presence'],
    ['GET', '/api/live'],
    ['GET', '/health'],
    ['GET', '/nowhere'],
  ] as const;

  it.each(operations)('an unlisted origin gets 403: %s %s', async (method, path) => {
    const request = fetchOf({ ...env, ALLOWED_ORIGINS: 'https://example.com' });
    const response = await request(path, { method, headers: { Origin: 'https://evil.example' } });
    await problemOf(response, 'origin-not-allowed');
  });

  it.each(operations)('an unexpected error gets a problem: %s %s', async (method, path) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await fetchOf({ SESSION_TTL_SECONDS: 'soon' })(path, { method });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ type: '/docs#internal-error' });
  });
});

describe('unexpected errors', () => {
  it.each([
    ['an error of HTTP', new HTTPException(401, { message: 'a secret of the server' })],
    ['an error with a status', Object.assign(new Error('a secret of the server'), { status: 400 })],
  ])('an unexpected error gets 500 without its message if it is %s', async (_what, error) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const request = fetchOf(env, {
      now: () => {
        throw error;
      },
    });
    const response = await request('/api/presence');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(log).toHaveBeenCalledOnce();
  });

  it('an unexpected error gets a request id, which its log line has with nothing of the request', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const request = fetchOf(env, {
      now: () => {
        throw new Error('a secret of the server');
      },
    });
    const response = await post(request, '/api/heartbeat', HEARTBEAT, { 'CF-Connecting-IP': '192.0.2.1' });
    const { requestId, ...problem } = Problem.parse(await response.json());
    expect(response.status).toBe(500);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(log).toHaveBeenCalledOnce();
    expect(JSON.parse(String(log.mock.lastCall?.[0]))).toMatchObject({
      requestId,
      message: 'a secret of the server',
    });
    expect(String(log.mock.lastCall?.[0])).not.toMatch(new RegExp(`${ANNA}|192\\.0\\.2\\.1|"presence"`));
  });
});
