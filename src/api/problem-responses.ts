import * as z from 'zod/mini';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { HEARTBEAT_INTERVAL_MAX_MS } from '../limits';
import { Problem } from './answer-schemas';
import { INTERVAL_HEADER, LIVE_HEADER } from './answers';
import { UNKNOWN_CHANNEL } from './channels';
import {
  faultsOf,
  PROBLEM_MEDIA_TYPE,
  PROBLEMS,
  type ProblemCode,
  type ProblemHeader,
  type ProblemMembers,
  type ProblemRow,
  problemDocument,
  problemTypeOf,
  type ValidationIssue,
} from './problems';
import { BadgeQuery, ChannelNames, LeaveRequest } from './request-schemas';

export type HeaderName = ProblemHeader | 'Allow' | 'Cache-Control' | (typeof OF_EVERY_ANSWER)[number];

/** Every answer may have these headers. Problems and operations name their other headers. */
const OF_EVERY_ANSWER = [INTERVAL_HEADER, LIVE_HEADER] as const;

const HEADERS = {
  // Optional, because a service with a wrong setting answers 500 without it.
  [INTERVAL_HEADER]: z
    .optional(z.number().check(z.positive(), z.maximum(HEARTBEAT_INTERVAL_MAX_MS / 1_000)))
    .check(
      z.meta({
        description:
          'Seconds between two heartbeats, and between two `ping` on a live socket. A decimal number, with at most 3 decimals. Every answer has it, except a 500 of a service with a wrong setting.',
        header: { id: INTERVAL_HEADER },
        example: 10,
      }),
    ),
  [LIVE_HEADER]: z
    .optional(z.literal('1'))
    .check(z.meta({ description: 'Sent by a service that has live sockets.', header: { id: LIVE_HEADER } })),
  Allow: z.string().check(z.meta({ description: 'The methods of this path.' })),
  // Optional, because the two problems with 415 share one response, and only one sends it.
  'Accept-Encoding': z.optional(z.literal('identity')).check(
    z.meta({
      description: 'The accepted content coding: none. Sent with `/docs#unsupported-content-encoding`.',
    }),
  ),
  'Retry-After': z.int().check(z.positive(), z.meta({ description: 'Seconds to wait before the next try.' })),
  'Cache-Control': z.string().check(
    z.meta({
      description: '`no-store`, or the seconds that caches may keep the answer: `public, max-age=5`.',
    }),
  ),
  // Optional, because workerd removes it from a 426.
  Upgrade: z.optional(z.literal('websocket')).check(z.meta({ description: 'The protocol of this path.' })),
} satisfies Record<HeaderName, z.ZodMiniType>;

const REFUSED_NAMES =
  'Which names are refused. `pointer` is a JSON pointer into the parameters, as a URI fragment: `#/names/1` is the second one.';

/** Further keys of the problems that have them, with an example. */
const MEMBERS: Partial<Record<ProblemCode, { schema: z.core.$ZodShape; example: ProblemMembers }>> = {
  'invalid-body': withErrors(
    'The errors in the body. `pointer` is a JSON pointer into the body, as a URI fragment.',
    LeaveRequest.safeParse({ sessionId: 'anna' }).error?.issues,
  ),
  'invalid-query': withErrors(
    'The errors in the query. `pointer` is `#/` and the name of the parameter.',
    BadgeQuery.safeParse({ label: '<b>' }).error?.issues,
  ),
  'invalid-channel': withErrors(
    REFUSED_NAMES,
    ChannelNames.safeParse({ names: 'lobby,lobby' }).error?.issues,
  ),
  'unknown-channel': withErrors(REFUSED_NAMES, [{ path: ['channel'], message: UNKNOWN_CHANNEL }]),
  'internal-error': {
    schema: {
      requestId: Problem.shape.requestId.def.innerType.check(
        z.meta({ description: 'The id of this request in the log.' }),
      ),
    },
    example: { requestId: '0e8f3a4c-5a59-4b0e-8b8e-6f1d1a7c2b90' },
  },
};

function withErrors(description: string, issues: readonly ValidationIssue[] = []) {
  return {
    schema: { errors: Problem.shape.errors.def.innerType.check(z.meta({ description })) },
    example: { errors: faultsOf(issues) },
  };
}

const nameOf = (code: ProblemCode) =>
  code.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());

/** Returns the schema of a problem: a component of its own, because clients distinguish problems by `type`. */
function problemSchema(code: ProblemCode) {
  const schema = schemas.get(code) ?? newSchema(code);
  schemas.set(code, schema);
  return schema;
}

/** Each schema is built once, because zod-openapi identifies a component by its object. */
const schemas = new Map<ProblemCode, ReturnType<typeof newSchema>>();

function newSchema(code: ProblemCode) {
  const { status, title } = PROBLEMS[code];
  return z
    .object({
      type: z.literal(problemTypeOf(code)),
      title: Problem.shape.title,
      status: z.literal(status),
      detail: Problem.shape.detail,
      ...MEMBERS[code]?.schema,
    })
    .check(z.meta({ id: `${nameOf(code)}Problem`, description: `${title}.` }));
}

/** Returns the responses of an operation that has these problems: one for each status. */
export function problemResponses(codes: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).flatMap(([status, [code, ...others]]) =>
      code === undefined ? [] : [[status, problemResponse(code, ...others)]],
    ),
  );
}

/** Each response is built once, for the same reason. */
const responses = new Map<string, ZodOpenApiResponseObject>();

/** Returns the response that these problems share. They must have the same status. */
export function problemResponse(code: ProblemCode, ...others: readonly ProblemCode[]) {
  const id = [code, ...others].map(nameOf).join('Or');
  const response = responses.get(id) ?? { id, ...newResponse(code, others) };
  responses.set(id, response);
  return response;
}

function newResponse(code: ProblemCode, others: readonly ProblemCode[]) {
  const codes = [code, ...others];
  const schema = problemSchema(code);
  return {
    description: codes.map((one) => `${PROBLEMS[one].title}.`).join(' Or: '),
    headers: headersWith(...codes.flatMap(headersOf)),
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema:
          others.length === 0 ? schema : z.discriminatedUnion('type', [schema, ...others.map(problemSchema)]),
        examples: Object.fromEntries(
          codes.map((one) => [one, { value: problemDocument(one, MEMBERS[one]?.example) }]),
        ),
      },
    },
  };
}

function headersOf(code: ProblemCode): readonly HeaderName[] {
  // Not in the table, because its value depends on the path.
  if (code === 'method-not-allowed') return ['Allow'];
  const { headers = {} }: ProblemRow = PROBLEMS[code];
  // The type of `Object.keys` does not name the keys.
  return Object.keys(headers) as ProblemHeader[];
}

/** Returns the schemas of these headers, and of those that every answer may have. */
export function headersWith(...names: readonly HeaderName[]) {
  const wanted: readonly string[] = [...OF_EVERY_ANSWER, ...names];
  return z.object(Object.fromEntries(Object.entries(HEADERS).filter(([name]) => wanted.includes(name))));
}
