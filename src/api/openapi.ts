import type * as z from 'zod';
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';
import { version } from '../../package.json';
import {
  BODY_BYTES_MAX,
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../limits';
import { DEFAULT_MOOD, MOODS } from '../moods';
import { type MoodCounts, PresenceState, SessionId, totalOf } from '../presence/session';
import { type HeaderName, headersWith, problemResponse, problemResponses } from './problem-responses';
import type { ProblemCode } from './problems';
import { HEALTH_REASONS, Health, HeartbeatRequest, LeaveRequest, LeaveResponse } from './schemas';

const JSON_TYPE = 'application/json';

const SESSION = '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10';

/** Sessions of each mood in the examples. Longer lists of moods begin again. */
const CROWD = [10, 15, 10, 7];
const crowd = Object.fromEntries(MOODS.map((mood, n) => [mood, CROWD[n % CROWD.length]])) as MoodCounts;

/** Requests, and the answers to them. The presence state counts the session of the heartbeat. */
export const EXAMPLES = {
  heartbeat: { sessionId: SESSION, mood: DEFAULT_MOOD },
  presence: {
    count: totalOf(crowd),
    moods: crowd,
    timestamp: 1704067200000,
  },
  leave: { sessionId: SESSION },
  left: { success: true },
  health: { status: 'ok', reason: null, hub: 'kv', lastSyncAgeMs: 4000 },
} as const;

const sessionId = SessionId.meta({
  description: 'An anonymous UUID that the client makes up, in any case. One id is one person.',
});
const mood = HeartbeatRequest.shape.mood.meta({ id: 'Mood' });
const { count, moods, timestamp } = PresenceState.shape;
const { status, reason, hub, lastSyncAgeMs } = Health.shape;

const heartbeatRequest = HeartbeatRequest.extend({ sessionId, mood }).meta({ id: 'HeartbeatRequest' });
const leaveRequest = LeaveRequest.extend({ sessionId }).meta({ id: 'LeaveRequest' });
const leaveResponse = LeaveResponse.meta({ id: 'LeaveResponse' });
const presenceState = PresenceState.extend({
  count: count.meta({ description: 'How many are here: the sum of `moods`.' }),
  moods: moods.meta({ description: 'How many are here in each mood. All moods are always there.' }),
  timestamp: timestamp.meta({ description: 'The clock of the server at the answer, in ms since 1970.' }),
}).meta({ id: 'PresenceState' });

/** What each reason of `/health` means. */
const REASONS: Record<(typeof HEALTH_REASONS)[number], string> = {
  'no-hub': '`PRESENCE_KV` is not bound. Each isolate counts its own sessions only.',
  'many-replicas': 'The server hands over other bindings with each request. Each request counts by itself.',
  'sync-failed':
    'The last sync with the hub failed. Sessions of other isolates count as of the sync before it.',
  'list-failed': 'KV could not be listed. Other locations count as of the listing before it.',
  'too-many-sessions': 'The isolate or the room holds as many sessions as it can. Some are not counted.',
  'no-limiter': '`NEW_SESSIONS` is not bound and `NEW_SESSION_LIMIT` is `on`. New sessions are not limited.',
  'limiter-failed': 'The limiter failed when it was last asked. New sessions passed.',
  'setting-lowered':
    'A setting would break a promise and is lowered; the log says which. The status stays `ok`.',
};

const REASON = `The worst of what is wrong; \`null\` if nothing is.

| reason | means |
|---|---|
${HEALTH_REASONS.map((name) => `| \`${name}\` | ${REASONS[name]} |`).join('\n')}`;

const health = Health.extend({
  status: status.meta({
    description:
      '`degraded` when something makes counts wrong, or leaves new sessions unlimited. Requests are still answered.',
  }),
  reason: reason.meta({ description: REASON }),
  hub: hub.meta({ description: 'Where the isolates of the service meet.' }),
  lastSyncAgeMs: lastSyncAgeMs.meta({
    description:
      'How long ago, in ms, the answering isolate heard from the hub. `null`: not yet, or there is none.',
  }),
}).meta({ id: 'Health' });

const BODY_PROBLEMS: readonly ProblemCode[] = [
  'malformed-json',
  'invalid-body',
  'body-too-large',
  'unsupported-media-type',
  'unsupported-content-encoding',
];

const BODY = `The body is JSON of at most ${BODY_BYTES_MAX} bytes, without a content encoding. \`application/json\`, any \`…+json\`, \`text/plain\` and no content type at all are read as JSON. Unknown keys are ignored.`;

const INFO = `How many people are here right now, and in which mood.

A browser makes up a UUID, sends \`POST /api/heartbeat\` every 10 seconds, and shows the \`count\` of the answer. A session ends 30 seconds after its last heartbeat, if the service is not set up otherwise. There are no accounts. The count is an unauthenticated estimate, and may be seconds to minutes behind.

Every error of the API is a problem document, \`application/problem+json\` by RFC 9457; its \`type\` tells which. A path that is not there gets \`/docs#not-found\`. No answer echoes what came. Browsers of any origin may use the API, unless the owner of the service lists the ones that may: then others get \`/docs#origin-not-allowed\`. Preflights are answered for every operation.

The base of every path is the origin that serves this document, without a slash at its end: \`https://presence.example\` and \`/api/heartbeat\`. The document names no server, since it is made before the service has an address.

Answers and problems may get new keys. Ignore the keys that you do not know.

This document and its page, \`/docs\`, are static files beside the API.`;

const LIVE = `A WebSocket. It comes with the Durable Object hub only; then every answer carries \`Presence-Live: 1\`. The session id is sent as a message: in an address, logs would keep it.

The service sends the presence state as JSON, the same as \`GET /api/presence\` answers: at once, and then when it changes, at most once a second.

| You send | and |
|---|---|
| nothing | you watch |
| \`{"sessionId": "<uuid>", "mood": "${MOODS.at(2) ?? DEFAULT_MOOD}"}\` | you join. The session counts once, whatever else sends heartbeats with that id |
| \`{"mood": "${MOODS[0]}"}\` | once you have joined, your mood changes |
| \`ping\` | you get \`pong\`. A joined socket sends one every 10 seconds |
| a close | you leave, unless another socket or a later heartbeat keeps the session |

Join at every open: a socket knows nothing of the socket before it. A joined socket keeps its id. Send \`ping\` as a text message; protocol pings don't count. A watcher pings too, since proxies cut a connection that is silent for some 100 seconds.

| Close code | Why | Then |
|---|---|---|
| 1008 | The reason says it: a wrong message, another id than before, no \`ping\` for 30 seconds (if the service is not set up otherwise), more than ${LIVE_MESSAGES_MAX} messages besides \`ping\` in ${LIVE_MESSAGES_WINDOW_MS / 1000} seconds, or more than ${LIVE_SESSION_SOCKETS_MAX} sockets of one session | Don't reconnect as you were: fix the cause first |
| 1009 | A message of more than ${LIVE_MESSAGE_BYTES_MAX} bytes | The same |
| 1013 | The room is full; the session does not count | Try again later, with a pause |`;

const PATHS: ZodOpenApiPathsObject = {
  '/api/heartbeat': {
    post: {
      operationId: 'heartbeat',
      summary: 'I am here, in this mood',
      description: `Send it every 10 seconds. A session ends 30 seconds after its last heartbeat, if the service is not set up otherwise. Who sends it is counted in the answer, in the mood that came last.\n\n${BODY}`,
      requestBody: body('HeartbeatRequest', heartbeatRequest, EXAMPLES.heartbeat),
      responses: {
        ...ok('Counted. How many are here now.', presenceState, EXAMPLES.presence),
        ...problems(...BODY_PROBLEMS, 'too-many-new-sessions', 'full'),
      },
    },
  },
  '/api/presence': {
    get: {
      operationId: 'presence',
      summary: 'How many are here, and in which mood',
      description: 'For those who watch. Caches may keep it if the service is set up so.',
      responses: {
        ...ok('How many are here now.', presenceState, EXAMPLES.presence, 'Cache-Control'),
        ...problems(),
      },
    },
  },
  '/api/leave': {
    post: {
      operationId: 'leave',
      summary: 'I am going',
      description: `Ends a session at once; without it the session ends by its silence. The answer is the same for a session that nobody knows.\n\nA page that goes away does it with \`navigator.sendBeacon('/api/leave', JSON.stringify({ sessionId }))\`. Across origins, send a string. A beacon of a JSON Blob has credentials, and only listed origins may send those.\n\n${BODY}`,
      requestBody: body('LeaveRequest', leaveRequest, EXAMPLES.leave),
      responses: { ...ok('Gone.', leaveResponse, EXAMPLES.left), ...problems(...BODY_PROBLEMS) },
    },
  },
  '/api/live': {
    get: {
      operationId: 'live',
      summary: 'Open a live socket',
      description: LIVE,
      responses: {
        101: { description: 'The socket is open.', headers: headersWith() },
        ...problems('no-live-sockets', 'upgrade-required', 'too-many-new-sessions', 'live-unavailable'),
      },
    },
  },
  '/health': {
    get: {
      operationId: 'health',
      summary: 'How the service is',
      description:
        'Of the isolate that answers. It is 200 also when the hub is away, for requests are answered without it.',
      responses: { ...ok('Alive.', health, EXAMPLES.health), ...problems() },
    },
  },
};

/** The OpenAPI document. It is made before deployment, from the schemas that validate and the table of problems. */
export function openApiDocument() {
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Breathe Together Presence',
        version,
        license: { name: 'MIT', identifier: 'MIT' },
        description: INFO,
      },
      // No `servers`: with `/`, a client that concatenates asks for `//api/heartbeat`. A browser takes `api` for a host.
      security: [],
      paths: PATHS,
      // What every other path answers.
      components: { responses: { NotFound: problemResponse('not-found') } },
    },
    { override: allowNewKeys },
  );
}

/** Lets an object have more keys than it has today, otherwise a new key breaks clients that validate. */
function allowNewKeys({ jsonSchema }: { readonly jsonSchema: { additionalProperties?: unknown } }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** Every media type that `jsonBody` reads. A body without a type is read like the first one; OpenAPI cannot say so. */
function body(id: string, schema: z.ZodType, example: object) {
  const text = {
    type: 'string',
    contentMediaType: JSON_TYPE,
    contentSchema: { $ref: `#/components/schemas/${id}` },
  } as const;
  return {
    required: true,
    content: {
      [JSON_TYPE]: { schema, example },
      '*/*+json': { schema, example },
      'text/plain': { schema: text, example: JSON.stringify(example) },
    },
  };
}

function ok(description: string, schema: z.ZodType, example: object, ...headers: readonly HeaderName[]) {
  const content = { [JSON_TYPE]: { schema, example } };
  return { 200: { description, headers: headersWith(...headers), content } };
}

/** These and what every operation may answer. Other methods are no operations: what they get stands with the one there is. */
function problems(...codes: readonly ProblemCode[]) {
  return problemResponses([...codes, 'origin-not-allowed', 'method-not-allowed', 'internal-error']);
}
