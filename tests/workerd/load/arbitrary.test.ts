import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { BODY_BYTES_MAX } from '../../../src/limits';
import { MOODS } from '../../../src/moods';
import { emptyStorage } from '../../support/empty-storage';
import { type Fetch, post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const PRESENT_SESSION = sessionId(1);
const RUNS = 1_000;

let fetch: Fetch;
beforeAll(async () => {
  await emptyStorage();
  fetch = fetchOf({ ...env, PRESENCE_HUB: 'durable-object', SESSION_TTL_SECONDS: '600' });
});

/** Reads the counts with a heartbeat of the present session. */
const readMoods = async () => {
  const response = await post(fetch, '/api/heartbeat', { sessionId: PRESENT_SESSION, mood: 'presence' });
  return ((await response.json()) as { moods: unknown }).moods;
};
const ONE_SESSION = { gratitude: 0, presence: 1, release: 0, connection: 0 };

/** Bodies with the keys of a heartbeat and any values. */
const almostHeartbeat = fc.record(
  {
    sessionId: fc.oneof(fc.uuid(), fc.string(), fc.jsonValue()),
    mood: fc.oneof(fc.constantFrom(...MOODS), fc.string(), fc.jsonValue()),
    __proto__: fc.jsonValue(),
  },
  { requiredKeys: [], noNullPrototype: false },
);
const json = fc.oneof(
  fc.json(),
  almostHeartbeat.map((heartbeat) => JSON.stringify(heartbeat)),
);
const bytes = fc.uint8Array({ maxLength: 2 * BODY_BYTES_MAX });
const body = fc.oneof(json, fc.string(), bytes);
const type = fc.oneof(
  fc.constantFrom('application/json', 'text/plain', 'application/activity+json', undefined),
  // Printable characters. Otherwise `Request` refuses the header before the app receives it.
  fc.stringMatching(/^[!-~]+$/),
);

const headersOf = (contentType: string | undefined): HeadersInit =>
  contentType === undefined ? {} : { 'Content-Type': contentType };

/** Whether the text is a heartbeat. It uses no schema, otherwise it has the same errors as the routes. */
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

it('a body that is not a heartbeat gets an expected status, and changes no count', async () => {
  const property = fc.asyncProperty(body, type, async (text, contentType) => {
    fc.pre(!isHeartbeat(text));
    const init = { method: 'POST', body: text, headers: headersOf(contentType) };
    expect([400, 413, 415]).toContain((await fetch('/api/heartbeat', init)).status);
    expect([200, 400, 413, 415]).toContain((await fetch('/api/leave', init)).status);
    expect(await readMoods()).toEqual(ONE_SESSION);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('a request with any path, method and body gets an expected status, and changes no count', async () => {
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
  const path = fc.oneof(
    fc.constantFrom('/api/presence', '/api/live', '/health'),
    fc.webPath().map((text) => `/${text}`),
    fc.string().map((text) => `/api/${encodeURIComponent(text)}`),
  );
  const property = fc.asyncProperty(method, path, type, body, async (verb, url, contentType, text) => {
    const init = { method: verb, headers: headersOf(contentType) };
    const takesBody = verb !== 'GET' && verb !== 'HEAD';
    const response = await fetch(url, takesBody ? { ...init, body: text } : init);
    expect([200, 204, 404, 405, 426]).toContain(response.status);
    expect(await readMoods()).toEqual(ONE_SESSION);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('a request with any header values gets an expected status, and changes no count', async () => {
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
    expect(await readMoods()).toEqual(ONE_SESSION);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

it('a message that is not a heartbeat closes its live socket, and changes no count', async () => {
  const property = fc.asyncProperty(
    fc.oneof(
      body,
      almostHeartbeat.map((heartbeat) => JSON.stringify(heartbeat)),
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
      expect(await readMoods()).toEqual(ONE_SESSION);
    },
  );
  await fc.assert(property, { numRuns: RUNS / 5 });
}, 60_000);
