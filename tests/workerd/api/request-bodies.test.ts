import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/api/problems';
import { BODY_BYTES_MAX } from '../../../src/limits';
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

describe('invalid bodies', () => {
  it.each([
    ['an unknown mood', { ...HEARTBEAT, mood: 'joy' }, ['#/mood']],
    ['a mood in capitals', { ...HEARTBEAT, mood: 'Presence' }, ['#/mood']],
    ['no mood', { sessionId: ANNA }, ['#/mood']],
    ['null for a mood', { ...HEARTBEAT, mood: null }, ['#/mood']],
    ['no id', { mood: 'presence' }, ['#/sessionId']],
    ['an id that is no UUID', { ...HEARTBEAT, sessionId: 'anna' }, ['#/sessionId']],
    ['an id with a letter behind it', { ...HEARTBEAT, sessionId: `${ANNA}x` }, ['#/sessionId']],
    ['a numeric id', { ...HEARTBEAT, sessionId: 7 }, ['#/sessionId']],
    ['an empty object', {}, ['#/sessionId', '#/mood']],
    ['a list', [HEARTBEAT], ['#']],
    ['a string', '"text"', ['#']],
    ['a number', '7', ['#']],
    ['null', 'null', ['#']],
  ])('an invalid body gets 400 with a pointer to each fault: %s', async (_name, body, pointers) => {
    const { errors } = await problemOf(await post(fetch, '/api/heartbeat', body), 'invalid-body');
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  it('a leave with an invalid id gets 400 with a pointer to the id', async () => {
    const { errors } = await problemOf(
      await post(fetch, '/api/leave', { sessionId: 'anna' }),
      'invalid-body',
    );
    expect(errors).toEqual([
      { pointer: '#/sessionId', detail: 'must be a UUID: 8-4-4-4-12 hexadecimal digits' },
    ]);
  });

  it('the problem of a body without a mood lists the moods', async () => {
    const { errors } = await problemOf(
      await post(fetch, '/api/heartbeat', { sessionId: ANNA }),
      'invalid-body',
    );
    const detail = 'must be one of: gratitude, presence, release, connection';
    expect(errors).toEqual([{ pointer: '#/mood', detail }]);
  });

  it('the problem of a body that is a list requires a JSON object', async () => {
    for (const path of ['/api/heartbeat', '/api/leave']) {
      const { errors } = await problemOf(await post(fetch, path, []), 'invalid-body');
      expect(errors).toEqual([{ pointer: '#', detail: 'must be a JSON object' }]);
    }
  });

  it('a problem lists at most eight faults', () => {
    const faults = faultsOf(Array.from({ length: 9 }, (_, n) => ({ path: ['list', n], message: 'no' })));
    expect(faults).toHaveLength(8);
    expect(faults[1]).toEqual({ pointer: '#/list/1', detail: 'no' });
  });

  it('a problem never repeats the body', async () => {
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
  ])('a body that is not JSON gets the problem malformed-json: %s', async (_name, body) => {
    await problemOf(await post(fetch, '/api/heartbeat', body), 'malformed-json');
  });

  it('a request without a body gets the problem malformed-json', async () => {
    await problemOf(await fetch('/api/heartbeat', { method: 'POST' }), 'malformed-json');
  });

  it('a body that is not UTF-8 gets the problem malformed-json', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...HEARTBEAT, name: '_' }));
    bytes[bytes.indexOf('_'.charCodeAt(0))] = 0xff;
    const response = await fetch('/api/heartbeat', { method: 'POST', body: bytes });
    await problemOf(response, 'malformed-json');
  });
});

describe('an aborted body', () => {
  it('a body that the client aborts gets the problem malformed-json and no server error', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('aborted'));
      },
    });
    await problemOf(await fetch('/api/heartbeat', { method: 'POST', body }), 'malformed-json');
  });
});

describe('the size of a body', () => {
  const bodyOf = (bytes: number) => {
    const empty = JSON.stringify({ ...HEARTBEAT, x: '' });
    return JSON.stringify({ ...HEARTBEAT, x: 'x'.repeat(bytes - empty.length) });
  };
  /** Returns a body that is sent in chunks, so the request has no Content-Length. */
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

  it('a body of 1 KiB is accepted, in one piece or in chunks', async () => {
    expect((await post(fetch, '/api/heartbeat', bodyOf(BODY_BYTES_MAX))).status).toBe(200);
    const body = chunked(bodyOf(BODY_BYTES_MAX), 7);
    expect((await fetch('/api/heartbeat', { method: 'POST', body })).status).toBe(200);
  });

  it('a body of 1 KiB and one byte gets 413, in one piece or in chunks', async () => {
    await problemOf(await post(fetch, '/api/heartbeat', bodyOf(BODY_BYTES_MAX + 1)), 'body-too-large');
    const body = chunked(bodyOf(BODY_BYTES_MAX + 1), 7);
    await problemOf(await fetch('/api/heartbeat', { method: 'POST', body }), 'body-too-large');
  });

  it.each([
    ['without a type', {}],
    ['as text', { 'Content-Type': 'text/plain' }],
    ['as JSON', { 'Content-Type': 'application/json' }],
    ['as text with a Content-Length', { 'Content-Type': 'text/plain', 'Content-Length': '100000' }],
  ])('the service stops reading an endless body near the limit: %s', async (_as, headers) => {
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
  });

  it('a body that is too large gets 413 before it is parsed', async () => {
    await problemOf(await post(fetch, '/api/heartbeat', '{'.repeat(5_000)), 'body-too-large');
  });
});

describe('content encodings', () => {
  const encoded = (encoding: string, body: unknown = HEARTBEAT) =>
    post(fetch, '/api/heartbeat', body, { 'Content-Encoding': encoding });

  it.each(['gzip', 'GZIP', 'br', 'deflate', 'x-gzip', 'gzip, identity', 'identity,gzip', 'none'])(
    'a body with the content encoding %s gets 415 and the accepted coding',
    async (encoding) => {
      for (const path of ['/api/heartbeat', '/api/leave']) {
        const response = await post(fetch, path, HEARTBEAT, { 'Content-Encoding': encoding });
        expect(response.headers.get('Accept-Encoding')).toBe('identity');
        expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Accept-Encoding');
        await problemOf(response, 'unsupported-content-encoding');
      }
    },
  );

  it('a compressed body gets 415', async () => {
    const zipped = new Blob([JSON.stringify(HEARTBEAT)]).stream().pipeThrough(new CompressionStream('gzip'));
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
    const response = await post(fetch, '/api/heartbeat', HEARTBEAT, { 'Content-Type': 'text/html' });
    expect(response.headers.has('Accept-Encoding')).toBe(false);
  });
});
