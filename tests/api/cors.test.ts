import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { FakeWorld } from '../fake-world';
import { type Fetch, post } from '../http';
import { fetchOf } from '../openapi/observed-app';
import { sessionId } from '../session-id';
import { problemOf } from './problem-of';

const BEAT = { sessionId: sessionId(1), mood: 'presence' };

const isolate = (allowedOrigins: string) =>
  fetchOf({ ...env, ALLOWED_ORIGINS: allowedOrigins }, new FakeWorld());

const preflight = (fetch: Fetch, origin: string) =>
  fetch('/api/heartbeat', {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    },
  });

describe('every origin is allowed by default', () => {
  const fetch = isolate('*');

  it('in preflights, which may be cached for a day', async () => {
    const response = await preflight(fetch, 'https://anywhere.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,POST');
    expect(response.headers.get('Access-Control-Allow-Headers')).toBe('Content-Type,*');
    expect(response.headers.get('Access-Control-Max-Age')).toBe('86400');
  });

  it('in answers, without credentials', async () => {
    const response = await post(fetch, '/api/heartbeat', BEAT, { Origin: 'https://anywhere.example' });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.headers.has('Access-Control-Allow-Credentials')).toBe(false);
  });
});

describe('with a list of origins', () => {
  const fetch = isolate('https://good.example, https://www.good.example');

  it.each(['https://good.example', 'https://www.good.example'])(
    '%s is allowed, also to read errors',
    async (origin) => {
      expect((await preflight(fetch, origin)).headers.get('Access-Control-Allow-Origin')).toBe(origin);
      for (const body of [BEAT, {}]) {
        const response = await post(fetch, '/api/heartbeat', body, { Origin: origin });
        expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin);
        expect(response.headers.get('Vary')).toContain('Origin');
      }
    },
  );

  it.each([
    'https://evil.example',
    'https://good.example.evil.example',
    'https://evilgood.example',
    'http://good.example',
    'https://good.example:8443',
    'null',
    '',
  ])('the server itself refuses %j', async (origin) => {
    expect((await preflight(fetch, origin)).status).toBe(403);
    for (const type of ['application/json', 'text/plain']) {
      const response = await post(fetch, '/api/heartbeat', BEAT, { Origin: origin, 'Content-Type': type });
      await problemOf(response, 'origin-not-allowed');
    }
  });

  it('a refused heartbeat counts nobody', async () => {
    await reset();
    const fresh = isolate('https://good.example');
    await post(fresh, '/api/heartbeat', BEAT, { Origin: 'https://evil.example' });
    expect(await (await fresh('/api/presence')).json()).toMatchObject({ count: 0 });
  });

  it("the Worker's own pages and requests without an origin pass", async () => {
    expect((await post(fetch, '/api/heartbeat', BEAT)).status).toBe(200);
    expect((await post(fetch, '/api/heartbeat', BEAT, { Origin: 'http://localhost' })).status).toBe(200);
  });
});
