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
    // Without the brackets this sets the prototype, and no body has the key.
    ['__proto__']: fc.jsonValue(),
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

/** Whether the text is a leave. It uses no schema, otherwise it has the same errors as the routes. */
function isLeave(text: string | Uint8Array): boolean {
  const id = valueIn(text, 'sessionId');
  return typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

const isHeartbeat = (text: string | Uint8Array) =>
  isLeave(text) && MOODS.some((mood) => mood === valueIn(text, 'mood'));

/** Returns the value of a key in a text of JSON. */
function valueIn(text: string | Uint8Array, key: string): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : new TextDecoder().decode(text))[key];
  } catch {
    return undefined;
  }
}

it('a body that is not a heartbeat gets an expected status, and changes no count', async () => {
  const property = fc.asyncProperty(body, type, async (text, contentType) => {
    fc.pre(!isHeartbeat(text));
    const init = { method: 'POST', body: text, headers: headersOf(contentType) };
    expect([400, 413, 415]).toContain((await fetch('/api/heartbeat', init)).status);
    const leave = (await fetch('/api/leave', init)).status;
    expect([isLeave(text) ? 200 : 400, 413, 415]).toContain(leave);
    expect(await readMoods()).toEqual(ONE_SESSION);
  });
  await fc.assert(property, { numRuns: RUNS });
}, 60_000);

/** The status of a GET on some paths. Other paths that these tests request do not exist. */
const STATUS_OF_GET: Readonly<Record<string, number>> = {
  '/api/presence': 200,
  '/api/live': 426,
  '/health': 200,
};

/** Paths whose answers depend on more than the method. */
const OTHER_PATH = /^\/api\/(?:heartbeat|leave|history|badge|channels)/;

function statusOf(method: string, path: string): number {
  if (method === 'OPTIONS') return 204;
  const ofGet = Object.hasOwn(STATUS_OF_GET, path) ? STATUS_OF_GET[path] : undefined;
  if (ofGet === undefined) return 404;
  return method === 'GET' || method === 'HEAD' ? ofGet : 405;
}

it('a request with any path, method and body gets the status of its route, and changes no count', async () => {
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
  const path = fc.oneof(
    fc.constantFrom(...Object.keys(STATUS_OF_GET)),
    fc.constantFrom(
      '/api/presence/',
      '/health/',
      '/API/presence',
      '/api//presence',
      '/api/live/x',
      '/api',
      '/',
    ),
    fc.webPath().map((text) => `/${text}`),
    fc.string().map((text) => `/api/${encodeURIComponent(text)}`),
  );
  const property = fc.asyncProperty(method, path, type, body, async (verb, url, contentType, text) => {
    const { pathname } = new URL(`http://localhost${url}`);
    fc.pre(!OTHER_PATH.test(pathname));
    const init = { method: verb, headers: headersOf(contentType) };
    const takesBody = verb !== 'GET' && verb !== 'HEAD';
    const response = await fetch(url, takesBody ? { ...init, body: text } : init);
    expect(response.status).toBe(statusOf(verb, pathname));
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
    { method: 'POST', path: '/api/heartbeat', statuses: [400, 415] },
    { method: 'POST', path: '/api/leave', statuses: [400, 415] },
    { method: 'OPTIONS', path: '/api/leave', statuses: [204] },
    { method: 'GET', path: '/api/live', statuses: [426] },
  );
  const property = fc.asyncProperty(operation, headers, async ({ method, path, statuses }, sent) => {
    const response = await listed(path, { method, headers: sent, ...(method === 'POST' && { body: '{}' }) });
    const isAllowed = new Headers(sent).get('Origin') === 'https://good.example';
    expect(isAllowed ? statuses : [403]).toContain(response.status);
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
