import * as z from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { LIVE_HEADER } from './answers';
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
} from './problems';
import { LeaveRequest, Problem } from './schemas';

export type HeaderName = ProblemHeader | 'Allow' | 'Cache-Control' | typeof LIVE_HEADER;

/** Every answer may have `Presence-Live`; the others come with the problems that the table says. */
const HEADERS = {
  [LIVE_HEADER]: z
    .literal('1')
    .optional()
    .meta({ description: 'Sent by a service that has live sockets.', header: { id: LIVE_HEADER } }),
  Allow: z.string().meta({ description: 'The methods of this path.' }),
  // Optional, since the problems of one status share their headers, and one of the two with 415 has it.
  'Accept-Encoding': z.literal('identity').optional().meta({
    description: 'The content coding to send: none. It comes with the problem of a content encoding.',
  }),
  'Retry-After': z.int().positive().meta({ description: 'Try again after so many seconds.' }),
  'Cache-Control': z
    .string()
    .meta({ description: '`no-store`, or for how many seconds caches may keep it: `public, max-age=5`.' }),
  // It belongs to a 426, but workerd takes it out.
  Upgrade: z.literal('websocket').optional().meta({ description: 'The protocol of this path.' }),
} satisfies Record<HeaderName, z.ZodType>;

/** What only one problem has. */
const MEMBERS: Partial<Record<ProblemCode, { schema: z.ZodRawShape; example: ProblemMembers }>> = {
  'invalid-body': {
    schema: {
      errors: Problem.shape.errors.unwrap().meta({
        description: 'What is wrong where: `pointer` is a JSON pointer into the body, as a URI fragment.',
      }),
    },
    example: { errors: faultsOf(LeaveRequest.safeParse({ sessionId: 'anna' }).error?.issues ?? []) },
  },
  'internal-error': {
    schema: {
      requestId: Problem.shape.requestId.unwrap().meta({ description: 'Where to look in the log.' }),
    },
    example: { requestId: '0e8f3a4c-5a59-4b0e-8b8e-6f1d1a7c2b90' },
  },
};

const nameOf = (code: ProblemCode) =>
  code.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());

/** The document of a problem. Clients tell them apart by `type`, so each is a component of its own. */
function problemSchema(code: ProblemCode) {
  const { status, title } = PROBLEMS[code];
  return z
    .object({
      type: z.literal(problemTypeOf(code)),
      title: Problem.shape.title,
      status: z.literal(status),
      detail: Problem.shape.detail,
      ...MEMBERS[code]?.schema,
    })
    .meta({ id: `${nameOf(code)}Problem`, description: `${title}.` });
}

/** What an operation answers that has these problems: one response for each status. */
export function problemResponses(codes: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).flatMap(([status, [code, ...others]]) =>
      code === undefined ? [] : [[status, problemResponse(code, ...others)]],
    ),
  );
}

/** Components are told apart by identity, so each response is made once, and with it the schemas of its problems. */
const responses = new Map<string, ZodOpenApiResponseObject>();

/** The response with this problem, or one of the others of the same status. */
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
  // What is allowed depends on the path, so the table cannot have it.
  if (code === 'method-not-allowed') return ['Allow'];
  const { headers = {} }: ProblemRow = PROBLEMS[code];
  // `Object.keys` forgets which keys there are.
  return Object.keys(headers) as ProblemHeader[];
}

/** The headers of these names, and the one that every answer may have. */
export function headersWith(...names: readonly HeaderName[]) {
  const wanted: readonly string[] = [LIVE_HEADER, ...names];
  return z.object(Object.fromEntries(Object.entries(HEADERS).filter(([name]) => wanted.includes(name))));
}
