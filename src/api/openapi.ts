import * as z from 'zod/mini';
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
import {
  badge,
  channel,
  channelStates,
  EXAMPLES,
  health,
  heartbeatRequest,
  history,
  label,
  leaveRequest,
  leaveResponse,
  names,
  presenceState,
} from './openapi-schemas';
import { type HeaderName, headersWith, problemResponse, problemResponses } from './problem-responses';
import type { ProblemCode } from './problems';

const JSON_TYPE = 'application/json';

const BODY_PROBLEMS: readonly ProblemCode[] = [
  'malformed-json',
  'invalid-body',
  'body-too-large',
  'unsupported-media-type',
  'unsupported-content-encoding',
];

const CHANNEL_PROBLEMS: readonly ProblemCode[] = ['invalid-channel', 'no-channels', 'unknown-channel'];

const BODY = `The body is JSON of at most ${BODY_BYTES_MAX} bytes, without a content encoding. Its type is \`application/json\`, any \`…+json\` or \`text/plain\`, or is missing. Unknown keys are ignored.`;

const INFO = `Counts how many people are present right now, and in which mood.

A browser creates a UUID, sends \`POST /api/heartbeat\` every 10 seconds, and shows the \`count\` of the answer. A session expires 30 seconds after its last heartbeat. A service may set other times. Every answer names the seconds between two heartbeats in the header \`Presence-Interval\`. There are no accounts. The count is an unauthenticated estimate, and may be seconds to minutes late.

A service with channels counts the sessions of each channel separately. Each channel has the operations below \`/api/channels/{channel}\`. A session counts once in each channel to which it sends heartbeats. The paths without a name belong to the default channel, which is not a sum. No answer lists names.

Every error of the API is a problem document, \`application/problem+json\` by RFC 9457. Its \`type\` identifies the error. An unknown path gets \`/docs#not-found\`. No answer repeats the request in its body, except the label of a badge. Pages of any origin may use the API, unless the service lists the allowed origins. Other origins then get \`/docs#origin-not-allowed\`. Every operation answers preflights.

The base of every path is the origin that serves this document, without a trailing slash: \`https://presence.example\` and \`/api/heartbeat\`. The document names no server, because it is built before the service has an address.

Answers and problems may get new keys. Ignore unknown keys.

This document and its page, \`/docs\`, are static files beside the API.`;

const LIVE = `A WebSocket. Only a service with the Durable Object hub has it. Every answer of such a service has the header \`Presence-Live: 1\`. The session id is sent in a message, because logs keep addresses.

The service sends the presence state as JSON, as in \`GET /api/presence\`. It sends one at the opening, and one after a change, at most once a second.

| You send | Effect |
|---|---|
| nothing | The socket watches: it receives states and does not count |
| \`{"sessionId": "<uuid>", "mood": "${MOODS.at(2) ?? DEFAULT_MOOD}"}\` | The socket joins. Its session counts once, also if HTTP heartbeats have the same id |
| \`{"mood": "${MOODS[0]}"}\` | The session of a joined socket changes its mood |
| \`ping\` | The service sends \`pong\`. A joined socket must send one every 10 seconds, or at the interval in the header \`Presence-Interval\` |
| a close | The session leaves, unless another socket or a later heartbeat keeps it present |
| a close with the code 4000 | Another tab continues the session. The last message or \`ping\` counts like a heartbeat: the session expires 30 seconds later, unless another tab refreshes it |

Join after every opening: a socket does not continue an earlier one. A joined socket keeps its id. Send \`ping\` as a text message; protocol pings don't count. A watching socket sends it too, because proxies close a connection after about 100 seconds without traffic.

| Close code | Cause | What to do |
|---|---|---|
| 1008 | The close reason says which: a wrong message, another id than before, no \`ping\` for 30 seconds (unless the service sets another time), more than ${LIVE_MESSAGES_MAX} messages besides \`ping\` in ${LIVE_MESSAGES_WINDOW_MS / 1000} seconds, or more than ${LIVE_SESSION_SOCKETS_MAX} sockets of one session | Fix the cause before you connect again |
| 1009 | A message of more than ${LIVE_MESSAGE_BYTES_MAX} bytes | The same |
| 1013 | The room is full. The session does not count | Connect again after a pause |`;

/** Returns the operations of the default channel, or those of a named one. */
function pathsOf(base: string, suffix: '' | 'InChannel'): ZodOpenApiPathsObject {
  const isNamed = suffix !== '';
  const where = isNamed ? ' in a channel' : '';
  const like = (path: string) => (isNamed ? `Like \`${path}\`, in the channel that the path names. ` : '');
  const own = isNamed ? { requestParams: { path: z.object({ channel }) } } : {};
  const inChannel = isNamed ? CHANNEL_PROBLEMS : [];
  const tags = [isNamed ? 'channels' : 'presence'];
  return {
    [`${base}/heartbeat`]: {
      post: {
        operationId: `heartbeat${suffix}`,
        tags,
        summary: `Send a heartbeat${where}`,
        description: `${like('/api/heartbeat')}Send one every 10 seconds, unless the header \`Presence-Interval\` of the last answer names another interval. A session expires 30 seconds after its last heartbeat, unless the service sets another time. The answer counts the session, in its latest mood.\n\n${BODY}`,
        ...own,
        requestBody: body('HeartbeatRequest', heartbeatRequest, EXAMPLES.heartbeat),
        responses: {
          ...ok('The session counts. The answer is the presence state.', presenceState, EXAMPLES.presence),
          ...problems(...BODY_PROBLEMS, ...inChannel, 'too-many-new-sessions', 'full'),
        },
      },
    },
    [`${base}/presence`]: {
      get: {
        operationId: `presence${suffix}`,
        tags,
        summary: `Read the presence state${isNamed ? ' of a channel' : ''}`,
        description: `${like('/api/presence')}Starts no session. Caches may keep the answer if the service allows it.`,
        ...own,
        responses: {
          ...ok('The presence state.', presenceState, EXAMPLES.presence, 'Cache-Control'),
          ...problems(...inChannel),
        },
      },
    },
    [`${base}/leave`]: {
      post: {
        operationId: `leave${suffix}`,
        tags,
        summary: `End a session${where}`,
        description: `${like('/api/leave')}Ends a session at once${isNamed ? ', in this channel only' : ''}. Without a leave, the session expires. The answer is the same for an unknown session.\n\nA page that closes sends it with \`navigator.sendBeacon('${base}/leave', JSON.stringify({ sessionId }))\`. Across origins, send a string. A beacon with a JSON Blob has credentials, and only listed origins may send those.\n\n${BODY}`,
        ...own,
        requestBody: body('LeaveRequest', leaveRequest, EXAMPLES.leave),
        responses: {
          ...ok('The session is not present.', leaveResponse, EXAMPLES.left),
          ...problems(...BODY_PROBLEMS, ...inChannel),
        },
      },
    },
    [`${base}/live`]: {
      get: {
        operationId: `live${suffix}`,
        tags,
        summary: `Open a live socket${where}`,
        description: isNamed
          ? 'Like `/api/live`, for one channel. The socket keeps its channel: it gets the states of that channel only, and its session counts there only.'
          : LIVE,
        ...own,
        responses: {
          101: { description: 'The socket is open.', headers: headersWith() },
          ...problems(
            ...(isNamed ? CHANNEL_PROBLEMS : (['no-live-sockets'] as const)),
            'upgrade-required',
            'too-many-new-sessions',
            'live-unavailable',
          ),
        },
      },
    },
  };
}

const PATHS: ZodOpenApiPathsObject = {
  ...pathsOf('/api', ''),
  '/api/channels': {
    get: {
      operationId: 'channels',
      tags: ['channels'],
      summary: 'Read the counts of several channels',
      description:
        'Starts no session. Caches may keep the answer if the service allows it. One name that is refused makes the whole answer a problem, which says at which position.',
      requestParams: { query: z.object({ names }) },
      responses: {
        ...ok('The counts by name.', channelStates, EXAMPLES.channels, 'Cache-Control'),
        ...problems(...CHANNEL_PROBLEMS),
      },
    },
  },
  ...pathsOf('/api/channels/{channel}', 'InChannel'),
  '/api/history': {
    get: {
      operationId: 'history',
      tags: ['presence'],
      summary: 'Read the last 24 hours',
      description:
        'The counts of the default channel in steps of five minutes, the peak, and the visits. Only a service with the Durable Object hub has it. Caches may keep the answer for a minute.',
      responses: {
        ...ok('The last 24 hours.', history, EXAMPLES.history, 'Cache-Control'),
        ...problems('no-history', 'history-unavailable'),
      },
    },
  },
  '/api/badge': {
    get: {
      operationId: 'badge',
      tags: ['presence'],
      summary: 'Read the count for a badge',
      description:
        'The count in the format of badge services, such as [shields.io](https://shields.io/badges/endpoint-badge). Caches may keep the answer for a minute.',
      requestParams: { query: z.object({ label }) },
      responses: {
        ...ok('The badge.', badge, EXAMPLES.badge, 'Cache-Control'),
        ...problems('invalid-query'),
      },
    },
  },
  '/health': {
    get: {
      operationId: 'health',
      tags: ['service'],
      summary: 'Read the health of the service',
      description:
        'The health of the isolate that answers. It answers 200 without a hub too, as all requests do.',
      responses: { ...ok('The isolate answers.', health, EXAMPLES.health), ...problems() },
    },
  },
};

/** Builds the OpenAPI document from the schemas that validate and the table of problems. It runs before a deploy. */
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
      // No `servers`: with `/`, a client that concatenates requests `//api/heartbeat`, where `api` is the host.
      security: [],
      tags: [
        { name: 'presence', description: 'Heartbeats, leaves and counts of the default channel.' },
        { name: 'channels', description: 'The same for named channels.' },
        { name: 'service', description: 'The state of the service itself.' },
      ],
      paths: PATHS,
      // The response to a request of any other path.
      components: { responses: { NotFound: problemResponse('not-found') } },
    },
    { override: allowNewKeys },
  );
}

/** Allows further keys in an object, otherwise a new key breaks clients that validate. */
function allowNewKeys({ jsonSchema }: { readonly jsonSchema: { additionalProperties?: unknown } }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** A request body in each media type that `jsonBody` reads. OpenAPI cannot describe a body without a type. */
function body(id: string, schema: z.ZodMiniType, example: object) {
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

function ok(description: string, schema: z.ZodMiniType, example: object, ...headers: readonly HeaderName[]) {
  const content = { [JSON_TYPE]: { schema, example } };
  return { 200: { description, headers: headersWith(...headers), content } };
}

/** Adds the problems that every operation has. One is the 405 of the path's other methods, which are no operations. */
function problems(...codes: readonly ProblemCode[]) {
  return problemResponses([...codes, 'origin-not-allowed', 'method-not-allowed', 'internal-error']);
}
