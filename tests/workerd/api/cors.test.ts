import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { createApp, fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

const HEARTBEAT = { sessionId: sessionId(1), mood: 'presence' };

const isolate = (allowedOrigins: string) =>
  fetchOf({ ...env, ALLOWED_ORIGINS: allowedOrigins }, new FakeRuntime());

const preflight = (fetch: Fetch, origin: string, requestedHeaders = 'content-type') =>
  fetch('/api/heartbeat', {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': requestedHeaders,
    },
  });

describe('no list of origins', () => {
  const fetch = isolate('*');

  it('a preflight of any origin gets 204, and may be cached for a day', async () => {
    const response = await preflight(fetch, 'https://anywhere.example');
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,POST');
    expect(response.headers.get('Access-Control-Allow-Headers')).toBe('Content-Type,Authorization,*');
    expect(response.headers.get('Access-Control-Max-Age')).toBe('86400');
  });

  it('a preflight of any origin has no Vary and allows no credentials', async () => {
    const response = await preflight(fetch, 'https://anywhere.example');
    expect(response.headers.has('Vary')).toBe(false);
    expect(response.headers.has('Content-Type')).toBe(false);
    expect(response.headers.has('Access-Control-Allow-Credentials')).toBe(false);
  });

  it('any origin may read an answer, without credentials', async () => {
    const response = await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://anywhere.example' });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(response.headers.has('Access-Control-Allow-Credentials')).toBe(false);
  });
});

describe('a list of origins', () => {
  const fetch = isolate('https://good.example, https://www.good.example');

  it.each(['https://good.example', 'https://www.good.example'])(
    'the listed origin %s may read answers and errors',
    async (origin) => {
      expect((await preflight(fetch, origin)).headers.get('Access-Control-Allow-Origin')).toBe(origin);
      for (const body of [HEARTBEAT, {}]) {
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
  ])('a preflight and a heartbeat of the foreign origin %j get 403', async (origin) => {
    expect((await preflight(fetch, origin)).status).toBe(403);
    for (const type of ['application/json', 'text/plain']) {
      const response = await post(fetch, '/api/heartbeat', HEARTBEAT, {
        Origin: origin,
        'Content-Type': type,
      });
      await problemOf(response, 'origin-not-allowed');
    }
  });

  it('a listed origin may send credentials and read the answer', async () => {
    const answers = [
      await preflight(fetch, 'https://good.example'),
      await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://good.example', Cookie: 'id=1' }),
      await post(fetch, '/api/heartbeat', {}, { Origin: 'https://good.example' }),
      await fetch('/nowhere', { headers: { Origin: 'https://good.example' } }),
    ];
    for (const { headers } of answers) {
      expect(headers.get('Access-Control-Allow-Credentials')).toBe('true');
      expect(headers.get('Access-Control-Allow-Origin')).toBe('https://good.example');
    }
  });

  it.each([
    ['', 'Content-Type,Authorization'],
    ['content-type', 'Content-Type,Authorization'],
    ['authorization,content-type,x-note', 'Content-Type,Authorization,x-note'],
    ['x-one, X-Two ,,\tx-three', 'Content-Type,Authorization,x-one,X-Two,x-three'],
    ['x-one,x two', 'Content-Type,Authorization,x-one,x two'],
    ['x-one,<x>', 'Content-Type,Authorization'],
    ['x-one,é', 'Content-Type,Authorization'],
    [`x-${'a'.repeat(1_022)}`, `Content-Type,Authorization,x-${'a'.repeat(1_022)}`],
    [`x-${'a'.repeat(1_023)}`, 'Content-Type,Authorization'],
  ])('a preflight of a listed origin that requests the headers %j allows %j', async (requested, allowed) => {
    const { headers } = await preflight(fetch, 'https://good.example', requested);
    expect(headers.get('Access-Control-Allow-Headers')).toBe(allowed);
  });

  it('a preflight names each header in Vary once', async () => {
    const { headers } = await preflight(fetch, 'https://good.example');
    expect(headers.get('Vary')).toBe('Origin, Access-Control-Request-Headers');
  });

  it('a preflight without an origin, or of the own origin, allows no credentials', async () => {
    for (const origin of [{}, { Origin: 'http://localhost' }]) {
      const { status, headers } = await fetch('/api/heartbeat', {
        method: 'OPTIONS',
        headers: { ...origin },
      });
      expect(status).toBe(204);
      expect(headers.get('Vary')).toBe('Origin');
      expect(headers.has('Access-Control-Allow-Credentials')).toBe(false);
      expect(headers.has('Access-Control-Allow-Origin')).toBe(false);
    }
  });

  it('a refusal of a foreign origin allows no credentials', async () => {
    const answers = [
      await preflight(fetch, 'https://evil.example'),
      await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'https://evil.example' }),
    ];
    for (const { headers } of answers) expect(headers.has('Access-Control-Allow-Credentials')).toBe(false);
  });

  it('a heartbeat of a foreign origin starts no session', async () => {
    await emptyStorage();
    const fresh = isolate('https://good.example');
    await post(fresh, '/api/heartbeat', HEARTBEAT, { Origin: 'https://evil.example' });
    expect(await (await fresh('/api/presence')).json()).toMatchObject({ count: 0 });
  });

  it('a heartbeat without an origin, or of the own origin, passes', async () => {
    expect((await post(fetch, '/api/heartbeat', HEARTBEAT)).status).toBe(200);
    expect((await post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: 'http://localhost' })).status).toBe(200);
  });

  it('an https page of the same host passes behind a TLS proxy, and another port, scheme or host does not', async () => {
    const from = (origin: string) => post(fetch, '/api/heartbeat', HEARTBEAT, { Origin: origin });
    expect((await from('https://localhost')).status).toBe(200);
    for (const origin of ['https://localhost:8443', 'wss://localhost', 'https://localhost.evil.example'])
      await problemOf(await from(origin), 'origin-not-allowed');
  });

  it('an http page of the same host is foreign to an https request', async () => {
    const app = createApp(new FakeRuntime());
    const variables = { ...env, ALLOWED_ORIGINS: 'https://good.example' };
    const request = (Origin: string) =>
      app.request('https://presence.example/api/presence', { headers: { Origin } }, variables);
    expect((await request('https://presence.example')).status).toBe(200);
    await problemOf(await request('http://presence.example'), 'origin-not-allowed');
  });
});
