import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { BODY_BYTES_MAX } from '../../../src/limits';
import { MOODS } from '../../../src/moods';
import { emptyStorage } from '../../support/empty-storage';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const RESIDENT = sessionId(1);
const RUNS = 1_000;

let fetch: Fetch;
beforeAll(async () => {
  await emptyStorage();
  fetch = fetchOf({ ...env, PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: '600' });
});

/** Who is here, by a heartbeat of the one who is. */
const present = async () => {
  const response = await post(fetch, '/api/heartbeat', { sessionId: RESIDENT, mood: 'presence' });
  return ((await response.json()) as { moods: unknown }).moods;
};
const ONLY_THE_RESIDENT = { gratitude: 0, presence: 1, release: 0, connection: 0 };

/** Bodies that may be all but right. */
const almostBeat = fc.record(
  {
    sessionId: fc.oneof(fc.uuid(), fc.string(), fc.jsonValue()),
    mood: fc.oneof(fc.constantFrom(...MOODS), fc.string(), fc.jsonValue()),
    __proto__: fc.jsonValue(),
  },
  { requiredKeys: [], noNullPrototype: false },
);
const json = fc.oneof(
  fc.json(),
  almostBeat.map((beat) => JSON.stringify(beat)),
);
const bytes = fc.uint8Array({ maxLength: 2 * BODY_BYTES_MAX });
const body = fc.oneof(json, fc.string(), bytes);
const type = fc.oneof(
  fc.constantFrom('application/json', 'text/plain', 'application/activity+json', undefined),
  // What may stand in a header, which is no matter of ours.
  fc.stringMatching(/^[!-~]+$/),
);

const headersOf = (contentType: string | undefined): HeadersInit =>
  contentType === undefined ? {} : { 'Content-Type': contentType };

/** Whether it is a heartbeat after all; said without a schema. */
function isHeartbeat(text: string | Uint8Array): boolean {
  try {
    const { sessionId: id, mood } = JSON.parse(
      typeof text === 'string' ? text : new TextDecoder().decode(text),
    );
    const isId = typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
    return isId && MOODS.includes(mood);
  } catch {
    return false;
  }
}

it('no body that is no heartbeat is an unexpected error, or counts anybody', async () => {
  const property = fc.asyncProperty(body, type, async (text, contentType) => {
    fc.pre(!isHeartbeat(text));
    const init = { method: 'POST', body: text, headers: headersOf(contentType) };
    expect([400, 413, 415]).toContain((await fetch('/api/heartbeat', init)).status);
    expect([200, 400, 413, 415]).toContain((await fetch('/api/leave', init)).status);
    expect(await present()).toEqual(ONLY_THE_RESIDENT);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('no request to any other path is an unexpected error, or counts anybody', async () => {
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
  const path = fc.oneof(
    fc.constantFrom('/api/presence', '/api/live', '/health'),
    fc.webPath().map((text) => `/${text}`),
    fc.string().map((text) => `/api/${encodeURIComponent(text)}`),
  );
  const property = fc.asyncProperty(method, path, type, body, async (verb, where, contentType, text) => {
    const init = { method: verb, headers: headersOf(contentType) };
    const takesBody = verb !== 'GET' && verb !== 'HEAD';
    const response = await fetch(where, takesBody ? { ...init, body: text } : init);
    expect([200, 204, 404, 405, 426]).toContain(response.status);
    expect(await present()).toEqual(ONLY_THE_RESIDENT);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('no value of a header is an unexpected error, or counts anybody', async () => {
  const listed = fetchOf({ ...env, PRESENCE_HUB: 'durable-object', ALLOWED_ORIGINS: 'https://good.example' });
  const name = fc.constantFrom(
    'Access-Control-Request-Headers',
    'CF-Connecting-IP',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
    'Origin',
    'Upgrade',
  );
  const value = fc.oneof(
    fc.stringMatching(/^[ -~]*$/),
    fc
      .array(fc.constantFrom('gzip', 'identity', 'a/b+json', ',', ';', '"', '\\', ':', '::', '.', ' '))
      .map((parts) => parts.join('')),
  );
  const headers = fc
    .dictionary(name, value)
    .map((entries) => ({ Origin: 'https://good.example', ...entries }));
  const operation = fc.constantFrom(
    ['POST', '/api/heartbeat'],
    ['POST', '/api/leave'],
    ['OPTIONS', '/api/leave'],
    ['GET', '/api/live'],
  );
  const property = fc.asyncProperty(operation, headers, async ([method = '', path = ''], sent) => {
    const response = await listed(path, { method, headers: sent, ...(method === 'POST' && { body: '{}' }) });
    expect([200, 204, 400, 403, 415, 426]).toContain(response.status);
    expect(await present()).toEqual(ONLY_THE_RESIDENT);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('no message on a live socket that is no heartbeat is answered but with a close, or counts anybody', async () => {
  const property = fc.asyncProperty(
    fc.oneof(
      body,
      almostBeat.map((beat) => JSON.stringify(beat)),
    ),
    async (message) => {
      fc.pre(!isHeartbeat(message) && message !== 'ping');
      const { webSocket } = await fetch('/api/live', { headers: { Upgrade: 'websocket' } });
      if (webSocket === null) throw new Error('No socket.');
      const closed = new Promise<CloseEvent>((resolve) => webSocket.addEventListener('close', resolve));
      webSocket.accept();
      webSocket.send(message);
      expect([1008, 1009]).toContain((await closed).code);
      webSocket.close();
      expect(await present()).toEqual(ONLY_THE_RESIDENT);
    },
  );
  await fc.assert(property, { numRuns: RUNS / 5 });
}, 60_000);
