import { env } from 'cloudflare:workers';
import { HTTPException } from 'hono/http-exception';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../../src/api/answer-schemas';
import { faultsOf } from '../../../src/api/problems';
import { BODY_BYTES_MAX } from '../../../src/limits';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { problemOf } from './problem-of';

const ANNA = sessionId(1);
const BEAT = { sessionId: ANNA, mood: 'presence' };

let fetch: Fetch;
beforeEach(() => {
  fetch = fetchOf(env, new FakeRuntime());
});

describe('a body that is not valid', () => {
  it.each([
    ['an unknown mood', { ...BEAT, mood: 'joy' }, ['#/mood']],
    ['a mood in capitals', { ...BEAT, mood: 'Presence' }, ['#/mood']],
    ['no mood', { sessionId: ANNA }, ['#/mood']],
    ['no mood but null', { ...BEAT, mood: null }, ['#/mood']],
    ['no id', { mood: 'presence' }, ['#/sessionId']],
    ['an id that is no UUID', { ...BEAT, sessionId: 'anna' }, ['#/sessionId']],
    ['an id with something behind it', { ...BEAT, sessionId: `${ANNA}x` }, ['#/sessionId']],
    ['a numeric id', { ...BEAT, sessionId: 7 }, ['#/sessionId']],
    ['nothing in it', {}, ['#/sessionId', '#/mood']],
    ['a list', [BEAT], ['#']],
    ['a string', '"text"', ['#']],
    ['a number', '7', ['#']],
    ['null', 'null', ['#']],
  ])('has its faults pointed out: %s', async (_name, body, pointers) => {
    const { errors } = await problemOf(await post(fetch, '/api/heartbeat', body), 'invalid-body');
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  it('is refused by leave too', async () => {
    const { errors } = await problemOf(
      await post(fetch, '/api/leave', { sessionId: 'anna' }),
      'invalid-body',
    );
    expect(errors).toEqual([
      { pointer: '#/sessionId', detail: 'must be a UUID: 8-4-4-4-12 hexadecimal digits' },
    ]);
  });

  it('is told which moods there are', async () => {
    const { errors } = await problemOf(
      await post(fetch, '/api/heartbeat', { sessionId: ANNA }),
      'invalid-body',
    );
    const detail = 'must be one of: gratitude, presence, release, connection';
    expect(errors).toEqual([{ pointer: '#/mood', detail }]);
  });

  it('is told that an object is wanted', async () => {
    for (const path of ['/api/heartbeat', '/api/leave']) {
      const { errors } = await problemOf(await post(fetch, path, []), 'invalid-body');
      expect(errors).toEqual([{ pointer: '#', detail: 'must be a JSON object' }]);
    }
  });

  it('has no more of its faults pointed out than eight', () => {
    const faults = faultsOf(Array.from({ length: 9 }, (_, n) => ({ path: ['list', n], message: 'no' })));
    expect(faults).toHaveLength(8);
    expect(faults[1]).toEqual({ pointer: '#/list/1', detail: 'no' });
  });

  it('is never echoed', async () => {
    const secret = 'PETER-AND-PAUL';
    const body = { sessionId: secret, mood: secret, [secret]: secret };
    expect(await (await post(fetch, '/api/heartbeat', body)).text()).not.toContain(secret);
  });

  it.each([
    ['cut short', '{"sessionId": "'],
    ['empty', ''],
    ['plain words', 'hello'],
    ['two documents', '{}{}'],
    ['a trailing comma', '{"mood": "presence",}'],
    ['single quotes', "{'mood': 'presence'}"],
  ])('is called malformed where it is not even JSON: %s', async (_name, body) => {
    await problemOf(await post(fetch, '/api/heartbeat', body), 'malformed-json');
  });

  it('is called malformed where it is not there at all', async () => {
    await problemOf(await fetch('/api/heartbeat', { method: 'POST' }), 'malformed-json');
  });

  it('is called malformed where it is not UTF-8', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...BEAT, name: '_' }));
    bytes[bytes.indexOf('_'.charCodeAt(0))] = 0xff;
    const response = await fetch('/api/heartbeat', { method: 'POST', body: bytes });
    await problemOf(response, 'malformed-json');
  });
});

describe('a body that breaks off', () => {
  it('is no server error, since the client went away', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('gone'));
      },
    });
    await problemOf(await fetch('/api/heartbeat', { method: 'POST', body }), 'malformed-json');
  });
});

describe('the size of a body', () => {
  const bodyOf = (bytes: number) => {
    const empty = JSON.stringify({ ...BEAT, x: '' });
    return JSON.stringify({ ...BEAT, x: 'x'.repeat(bytes - empty.length) });
  };
  /** Sent in chunks, so no length stands in a header. */
  const chunked = (text: string, chunkBytes: number) => {
    const bytes = new TextEncoder().encode(text);
    let sent = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= bytes.length) controller.close();
        else controller.enqueue(bytes.slice(sent, sent + chunkBytes));
        sent += chunkBytes;
      },
    });
  };

  it('may be 1 KiB', async () => {
    expect((await post(fetch, '/api/heartbeat', bodyOf(BODY_BYTES_MAX))).status).toBe(200);
    const body = chunked(bodyOf(BODY_BYTES_MAX), 7);
    expect((await fetch('/api/heartbeat', { method: 'POST', body })).status).toBe(200);
  });

  it('may not be a byte more, in one piece or in chunks', async () => {
    await problemOf(await post(fetch, '/api/heartbeat', bodyOf(BODY_BYTES_MAX + 1)), 'body-too-large');
    const body = chunked(bodyOf(BODY_BYTES_MAX + 1), 7);
    await problemOf(await fetch('/api/heartbeat', { method: 'POST', body }), 'body-too-large');
  });

  it.each([
    ['', {}],
    ['as text', { 'Content-Type': 'text/plain' }],
    ['as JSON', { 'Content-Type': 'application/json' }],
    ['that declares how long it is', { 'Content-Type': 'text/plain', 'Content-Length': '100000' }],
  ])(
    'is counted while reading: of an endless body %s no more than the limit is read',
    async (_as, headers) => {
      let chunks = 0;
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          chunks += 1;
          controller.enqueue(new Uint8Array(100));
        },
        cancel() {
          cancelled = true;
        },
      });
      await problemOf(await fetch('/api/leave', { method: 'POST', body, headers }), 'body-too-large');
      expect(chunks).toBeLessThan(20);
      expect(cancelled).toBe(true);
    },
  );

  it('is refused before it is parsed', async () => {
    await problemOf(await post(fetch, '/api/heartbeat', '{'.repeat(5_000)), 'body-too-large');
  });
});

describe('a request that fits no route', () => {
  it.each(['/', '/api', '/api/heartbeats', '/api/presence/', '/API/presence'])(
    'gets 404: %s',
    async (path) => {
      await problemOf(await fetch(path), 'not-found');
    },
  );

  it('gets 404 and how to have live sockets: /api/live with the hub on KV', async () => {
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
  ])('gets 405 and what is allowed: %s %s', async (method, path, allow) => {
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
  ])('gets 415: %s', async (type) => {
    await problemOf(
      await post(fetch, '/api/heartbeat', BEAT, { 'Content-Type': type }),
      'unsupported-media-type',
    );
  });
});

describe('a body with a content encoding', () => {
  const encoded = (encoding: string, body: unknown = BEAT) =>
    post(fetch, '/api/heartbeat', body, { 'Content-Encoding': encoding });

  it.each(['gzip', 'GZIP', 'br', 'deflate', 'x-gzip', 'gzip, identity', 'identity,gzip', 'none'])(
    'the content encoding %s gets 415 and the codings that are read',
    async (encoding) => {
      for (const path of ['/api/heartbeat', '/api/leave']) {
        const response = await post(fetch, path, BEAT, { 'Content-Encoding': encoding });
        expect(response.headers.get('Accept-Encoding')).toBe('identity');
        expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Accept-Encoding');
        await problemOf(response, 'unsupported-content-encoding');
      }
    },
  );

  it('a compressed body gets 415', async () => {
    const zipped = new Blob([JSON.stringify(BEAT)]).stream().pipeThrough(new CompressionStream('gzip'));
    const body = await new Response(zipped).arrayBuffer();
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    const response = await fetch('/api/heartbeat', { method: 'POST', body, headers });
    await problemOf(response, 'unsupported-content-encoding');
  });

  it.each(['identity', 'Identity', '', 'identity, identity'])(
    'a body with the content encoding %j is read',
    async (encoding) => {
      expect((await encoded(encoding)).status).toBe(200);
    },
  );

  it('the problem of a media type names no content codings', async () => {
    const response = await post(fetch, '/api/heartbeat', BEAT, { 'Content-Type': 'text/html' });
    expect(response.headers.has('Accept-Encoding')).toBe(false);
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

  it.each(operations)('refuses origins that are not listed: %s %s', async (method, path) => {
    const ask = fetchOf({ ...env, ALLOWED_ORIGINS: 'https://example.com' });
    const response = await ask(path, { method, headers: { Origin: 'https://evil.example' } });
    await problemOf(response, 'origin-not-allowed');
  });

  it.each(operations)('answers an unexpected error with a problem: %s %s', async (method, path) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await fetchOf({ SESSION_TTL_SECONDS: 'soon' })(path, { method });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ type: '/docs#internal-error' });
  });
});

describe('an unexpected error', () => {
  it.each([
    ['an error of HTTP', new HTTPException(401, { message: 'a secret of the server' })],
    ['an error with a status', Object.assign(new Error('a secret of the server'), { status: 400 })],
  ])('is answered in the same way if it is %s', async (_what, error) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const ask = fetchOf(env, {
      now: () => {
        throw error;
      },
    });
    const response = await ask('/api/presence');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(log).toHaveBeenCalledOnce();
  });

  it('is answered with a request id and nothing else, and logged with that id and nothing of the request', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const ask = fetchOf(env, {
      now: () => {
        throw new Error('a secret of the server');
      },
    });
    const response = await post(ask, '/api/heartbeat', BEAT, { 'CF-Connecting-IP': '192.0.2.1' });
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
