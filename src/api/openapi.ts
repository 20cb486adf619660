import * as z from 'zod/mini';
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';
import { version } from '../../package.json';
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
import { BODY, INFO, LIVE } from './openapi-texts';
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
