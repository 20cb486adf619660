import { env } from 'cloudflare:workers';
import { beforeEach, expect, it, vi } from 'vitest';
import type { oas31 } from 'zod-openapi';
import { openApiDocument } from '../../../src/api/openapi';
import { EXAMPLES } from '../../../src/api/openapi-schemas';
import { PROBLEM_MEDIA_TYPE } from '../../../src/api/problems';
import { BODY_BYTES_MAX } from '../../../src/limits';
import { resolve } from '../../../src/site/resolve';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { post } from '../../support/http';
import { fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

// The service must send each answer and accept each request type of the OpenAPI document.
// tests/support/conformance.ts compares the observed answers with the document.

const FROM = { 'CF-Connecting-IP': '192.0.2.7' };
const UPGRADE = { Upgrade: 'websocket' };
const ORIGIN = { Origin: 'https://evil.example' };
const FOREIGN = { headers: ORIGIN };

const KV = {};
const ROOM = { PRESENCE_HUB: 'durable-object' };
const LISTED = { ALLOWED_ORIGINS: 'https://good.example' };
const MISCONFIGURED = { SESSION_TTL_SECONDS: 'soon' };
const FULL = { SESSIONS_MAX: '1' };
const OVER_LIMIT = { NEW_SESSIONS: { limit: async () => ({ success: false }) } };
const CHANNELS = { ...ROOM, CHANNELS: 'lobby, post-*' };
const LISTED_CHANNELS = { ...CHANNELS, ...LISTED };
const FULL_CHANNELS = { ...CHANNELS, ...FULL };
const CHANNELS_OVER_LIMIT = { ...CHANNELS, ...OVER_LIMIT };
const ROOM_UNAVAILABLE = { ...ROOM, PRESENCE_ROOM: { getByName: () => ({}) } };

const CHANNELS_UNAVAILABLE = { ...CHANNELS, PRESENCE_ROOM: ROOM_UNAVAILABLE.PRESENCE_ROOM };

const sends = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', ...headers },
});
const HEARTBEAT = sends(EXAMPLES.heartbeat);
const LEAVE = sends(EXAMPLES.leave);
const MALFORMED = sends('{');
const INVALID = sends({});
const LARGE = sends('x'.repeat(BODY_BYTES_MAX + 1));
const HTML = sends({}, { 'Content-Type': 'text/html' });
const ZIPPED = sends({}, { 'Content-Encoding': 'gzip' });

/** Path, answer, bindings, request, and the channel or query of the request. One other session is present. */
const ROWS: readonly (readonly [string, string, object, RequestInit, string?])[] = [
  ['/api/heartbeat', '200 application/json', KV, HEARTBEAT],
  ['/api/heartbeat', '400 malformed-json', KV, MALFORMED],
  ['/api/heartbeat', '400 invalid-body', KV, INVALID],
  ['/api/heartbeat', '403 origin-not-allowed', LISTED, sends(EXAMPLES.heartbeat, ORIGIN)],
  ['/api/heartbeat', '405 method-not-allowed', KV, {}],
  ['/api/heartbeat', '413 body-too-large', KV, LARGE],
  ['/api/heartbeat', '415 unsupported-media-type', KV, HTML],
  ['/api/heartbeat', '415 unsupported-content-encoding', KV, ZIPPED],
  ['/api/heartbeat', '429 too-many-new-sessions', OVER_LIMIT, sends(EXAMPLES.heartbeat, FROM)],
  ['/api/heartbeat', '500 internal-error', MISCONFIGURED, HEARTBEAT],
  ['/api/heartbeat', '503 full', FULL, HEARTBEAT],

  ['/api/presence', '200 application/json', KV, {}],
  ['/api/presence', '403 origin-not-allowed', LISTED, FOREIGN],
  ['/api/presence', '405 method-not-allowed', KV, { method: 'POST' }],
  ['/api/presence', '500 internal-error', MISCONFIGURED, {}],

  ['/api/leave', '200 application/json', KV, LEAVE],
  ['/api/leave', '400 malformed-json', KV, MALFORMED],
  ['/api/leave', '400 invalid-body', KV, INVALID],
  ['/api/leave', '403 origin-not-allowed', LISTED, sends(EXAMPLES.leave, ORIGIN)],
  ['/api/leave', '405 method-not-allowed', KV, {}],
  ['/api/leave', '413 body-too-large', KV, LARGE],
  ['/api/leave', '415 unsupported-media-type', KV, HTML],
  ['/api/leave', '415 unsupported-content-encoding', KV, ZIPPED],
  ['/api/leave', '500 internal-error', MISCONFIGURED, LEAVE],

  ['/api/live', '101 no body', ROOM, { headers: UPGRADE }],
  ['/api/live', '403 origin-not-allowed', LISTED, FOREIGN],
  ['/api/live', '404 no-live-sockets', KV, { headers: UPGRADE }],
  ['/api/live', '405 method-not-allowed', ROOM, { method: 'POST' }],
  ['/api/live', '426 upgrade-required', ROOM, {}],
  [
    '/api/live',
    '429 too-many-new-sessions',
    { ...ROOM, ...OVER_LIMIT },
    { headers: { ...UPGRADE, ...FROM } },
  ],
  ['/api/live', '500 internal-error', MISCONFIGURED, { headers: UPGRADE }],
  ['/api/live', '503 live-unavailable', ROOM_UNAVAILABLE, { headers: UPGRADE }],

  ['/api/history', '200 application/json', ROOM, {}],
  ['/api/history', '403 origin-not-allowed', LISTED, FOREIGN],
  ['/api/history', '404 no-history', KV, {}],
  ['/api/history', '405 method-not-allowed', ROOM, { method: 'POST' }],
  ['/api/history', '500 internal-error', MISCONFIGURED, {}],
  ['/api/history', '503 history-unavailable', ROOM_UNAVAILABLE, {}],

  ['/api/badge', '200 application/json', KV, {}, '?label=here%20now'],
  ['/api/badge', '400 invalid-query', KV, {}, '?label=%3Cb%3E'],
  ['/api/badge', '403 origin-not-allowed', LISTED, FOREIGN],
  ['/api/badge', '405 method-not-allowed', KV, { method: 'POST' }],
  ['/api/badge', '500 internal-error', MISCONFIGURED, {}],

  ['/api/channels', '200 application/json', CHANNELS, {}, '?names=lobby,post-7'],
  ['/api/channels', '400 invalid-channel', CHANNELS, {}, '?names=lobby,lobby'],
  ['/api/channels', '403 origin-not-allowed', LISTED_CHANNELS, FOREIGN],
  ['/api/channels', '404 no-channels', KV, {}],
  ['/api/channels', '404 unknown-channel', CHANNELS, {}, '?names=hall'],
  ['/api/channels', '405 method-not-allowed', KV, { method: 'POST' }],
  ['/api/channels', '500 internal-error', MISCONFIGURED, {}],

  ['/api/channels/{channel}/heartbeat', '200 application/json', CHANNELS, HEARTBEAT],
  ['/api/channels/{channel}/heartbeat', '400 malformed-json', CHANNELS, MALFORMED],
  ['/api/channels/{channel}/heartbeat', '400 invalid-body', CHANNELS, INVALID],
  ['/api/channels/{channel}/heartbeat', '400 invalid-channel', CHANNELS, HEARTBEAT, '-lobby'],
  [
    '/api/channels/{channel}/heartbeat',
    '403 origin-not-allowed',
    LISTED_CHANNELS,
    sends(EXAMPLES.heartbeat, ORIGIN),
  ],
  ['/api/channels/{channel}/heartbeat', '404 no-channels', KV, HEARTBEAT],
  ['/api/channels/{channel}/heartbeat', '404 unknown-channel', CHANNELS, HEARTBEAT, 'hall'],
  ['/api/channels/{channel}/heartbeat', '405 method-not-allowed', CHANNELS, {}],
  ['/api/channels/{channel}/heartbeat', '413 body-too-large', CHANNELS, LARGE],
  ['/api/channels/{channel}/heartbeat', '415 unsupported-media-type', CHANNELS, HTML],
  ['/api/channels/{channel}/heartbeat', '415 unsupported-content-encoding', CHANNELS, ZIPPED],
  [
    '/api/channels/{channel}/heartbeat',
    '429 too-many-new-sessions',
    CHANNELS_OVER_LIMIT,
    sends(EXAMPLES.heartbeat, FROM),
  ],
  ['/api/channels/{channel}/heartbeat', '500 internal-error', MISCONFIGURED, HEARTBEAT],
  ['/api/channels/{channel}/heartbeat', '503 full', FULL_CHANNELS, HEARTBEAT],

  ['/api/channels/{channel}/presence', '200 application/json', CHANNELS, {}],
  ['/api/channels/{channel}/presence', '400 invalid-channel', CHANNELS, {}, '-lobby'],
  ['/api/channels/{channel}/presence', '403 origin-not-allowed', LISTED_CHANNELS, FOREIGN],
  ['/api/channels/{channel}/presence', '404 no-channels', KV, {}],
  ['/api/channels/{channel}/presence', '404 unknown-channel', CHANNELS, {}, 'hall'],
  ['/api/channels/{channel}/presence', '405 method-not-allowed', CHANNELS, { method: 'POST' }],
  ['/api/channels/{channel}/presence', '500 internal-error', MISCONFIGURED, {}],

  ['/api/channels/{channel}/leave', '200 application/json', CHANNELS, LEAVE],
  ['/api/channels/{channel}/leave', '400 malformed-json', CHANNELS, MALFORMED],
  ['/api/channels/{channel}/leave', '400 invalid-body', CHANNELS, INVALID],
  ['/api/channels/{channel}/leave', '400 invalid-channel', CHANNELS, LEAVE, '-lobby'],
  ['/api/channels/{channel}/leave', '403 origin-not-allowed', LISTED_CHANNELS, sends(EXAMPLES.leave, ORIGIN)],
  ['/api/channels/{channel}/leave', '404 no-channels', KV, LEAVE],
  ['/api/channels/{channel}/leave', '404 unknown-channel', CHANNELS, LEAVE, 'hall'],
  ['/api/channels/{channel}/leave', '405 method-not-allowed', CHANNELS, {}],
  ['/api/channels/{channel}/leave', '413 body-too-large', CHANNELS, LARGE],
  ['/api/channels/{channel}/leave', '415 unsupported-media-type', CHANNELS, HTML],
  ['/api/channels/{channel}/leave', '415 unsupported-content-encoding', CHANNELS, ZIPPED],
  ['/api/channels/{channel}/leave', '500 internal-error', MISCONFIGURED, LEAVE],

  ['/api/channels/{channel}/live', '101 no body', CHANNELS, { headers: UPGRADE }],
  ['/api/channels/{channel}/live', '400 invalid-channel', CHANNELS, { headers: UPGRADE }, '-lobby'],
  ['/api/channels/{channel}/live', '403 origin-not-allowed', LISTED_CHANNELS, FOREIGN],
  ['/api/channels/{channel}/live', '404 no-channels', ROOM, { headers: UPGRADE }],
  ['/api/channels/{channel}/live', '404 unknown-channel', CHANNELS, { headers: UPGRADE }, 'hall'],
  ['/api/channels/{channel}/live', '405 method-not-allowed', CHANNELS, { method: 'POST' }],
  ['/api/channels/{channel}/live', '426 upgrade-required', CHANNELS, {}],
  [
    '/api/channels/{channel}/live',
    '429 too-many-new-sessions',
    CHANNELS_OVER_LIMIT,
    { headers: { ...UPGRADE, ...FROM } },
  ],
  ['/api/channels/{channel}/live', '500 internal-error', MISCONFIGURED, { headers: UPGRADE }],
  ['/api/channels/{channel}/live', '503 live-unavailable', CHANNELS_UNAVAILABLE, { headers: UPGRADE }],

  ['/health', '200 application/json', KV, {}],
  ['/health', '403 origin-not-allowed', LISTED, FOREIGN],
  ['/health', '405 method-not-allowed', KV, { method: 'POST' }],
  ['/health', '500 internal-error', MISCONFIGURED, {}],

  ['/nowhere', '404 not-found', KV, {}],
];

const ANSWERS = ROWS.map(
  ([path, answer, bindings, request, name = EXAMPLES.channel]) =>
    [path, answer, bindings, request, name] as const,
);

/** Path, documented media type, and the request, which has a media type of that range. */
const REQUESTS = (
  [
    ['/api/heartbeat', 'application/json', HEARTBEAT],
    ['/api/heartbeat', '*/*+json', sends(EXAMPLES.heartbeat, { 'Content-Type': 'application/ld+json' })],
    ['/api/heartbeat', 'text/plain', sends(EXAMPLES.heartbeat, { 'Content-Type': 'text/plain' })],
    ['/api/leave', 'application/json', LEAVE],
    ['/api/leave', '*/*+json', sends(EXAMPLES.leave, { 'Content-Type': 'application/ld+json' })],
    ['/api/leave', 'text/plain', sends(EXAMPLES.leave, { 'Content-Type': 'text/plain' })],
  ] as const
).flatMap<readonly [string, string, RequestInit]>(([path, type, request]) => [
  [path, type, request],
  [path.replace('/api/', '/api/channels/{channel}/'), type, request],
]);

const document = openApiDocument();
const operations = Object.entries(document.paths ?? {}).map(
  ([path, { get, post: posted }]) => [path, posted ?? get] as const,
);

/** Returns each answer of a response: its status, and the code of a problem or another media type. */
function answersOf(status: string | number, response: oas31.ResponseObject | oas31.ReferenceObject) {
  const { content = { 'no body': {} } } = resolve<oas31.ResponseObject>(document, response);
  return Object.entries(content).flatMap(([type, { examples = {} }]) =>
    (type === PROBLEM_MEDIA_TYPE ? Object.keys(examples) : [type]).map((kind) => `${status} ${kind}`),
  );
}

/** Returns an answer in the form of `answersOf`. */
async function answerOf(response: Response): Promise<string> {
  const type = response.headers.get('Content-Type') ?? 'no body';
  if (type !== PROBLEM_MEDIA_TYPE) return `${response.status} ${type}`;
  const problem = await response.json<{ type: string }>();
  return `${response.status} ${problem.type.replace('/docs#', '')}`;
}

async function close(socket: WebSocket): Promise<void> {
  const closed = new Promise((resolved) => socket.addEventListener('close', resolved));
  socket.accept();
  socket.close(1000);
  await closed;
}

beforeEach(async () => {
  await emptyStorage();
  for (const level of ['warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => undefined);
});

it('the table has each documented answer, and no other', () => {
  const ofPaths = operations.flatMap(([path, operation]) =>
    Object.entries(operation?.responses ?? {}).flatMap(([status, response]) =>
      answersOf(status, response).map((answer) => `${path} ${answer}`),
    ),
  );
  const { NotFound } = document.components?.responses ?? {};
  const ofOtherPaths = NotFound ? answersOf(404, NotFound).map((answer) => `/nowhere ${answer}`) : [];
  const table = ANSWERS.map(([path, answer]) => `${path} ${answer}`);
  expect(table.toSorted()).toEqual([...ofPaths, ...ofOtherPaths].toSorted());
});

it.each(ANSWERS)('the path %s answers %s', async (path, answer, bindings, request, name) => {
  const fetch = fetchOf({ ...env, ...bindings }, new FakeRuntime());
  await post(fetch, '/api/heartbeat', { sessionId: sessionId(1), mood: 'presence' });
  const response = await fetch(name.startsWith('?') ? path + name : inChannel(path, name), request);
  expect(await answerOf(response)).toBe(answer);
  if (response.webSocket) await close(response.webSocket);
});

it('the table has each documented type of a request, and no other', () => {
  const documented = operations.flatMap(([path, operation]) => {
    const body = operation?.requestBody && resolve<oas31.RequestBodyObject>(document, operation.requestBody);
    return Object.keys(body?.content ?? {}).map((type) => `${path} ${type}`);
  });
  expect(REQUESTS.map(([path, type]) => `${path} ${type}`).toSorted()).toEqual(documented.toSorted());
});

it.each(REQUESTS)('the path %s accepts a body of type %s', async (path, type, request) => {
  expect(new Headers(request.headers).get('Content-Type')).toMatch(new RegExp(`^${rangeOf(type)}$`));
  const fetch = fetchOf({ ...env, ...CHANNELS }, new FakeRuntime());
  expect((await fetch(inChannel(path), request)).status).toBe(200);
});

const inChannel = (path: string, name: string = EXAMPLES.channel) => path.replace('{channel}', name);

const rangeOf = (type: string) => type.replace('*/*', '[^/]+/[^/]+').replace('+json', '\\+json');
