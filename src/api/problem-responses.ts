import * as z from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { LIVE_HEADER } from './live';
import {
  faultsOf,
  PROBLEMS,
  type ProblemCode,
  type ProblemHeader,
  type ProblemMembers,
  type ProblemRow,
  problemDocument,
} from './problems';
import { HeartbeatRequest, Problem } from './schemas';

/** Every answer may have `Presence-Live`; the others come with the problems that the table says. */
export const HEADERS = {
  [LIVE_HEADER]: z
    .literal('1')
    .optional()
    .meta({ description: 'Sent by a service that has live sockets.', header: { id: LIVE_HEADER } }),
  Allow: z.string().meta({ description: 'The methods of this path.' }),
  'Retry-After': z.int().positive().meta({ description: 'Try again after so many seconds.' }),
  // workerd takes it out again.
  Upgrade: z.literal('websocket').optional().meta({ description: 'The protocol of this path.' }),
} satisfies Record<ProblemHeader | 'Allow' | typeof LIVE_HEADER, z.ZodType>;

/** What only one problem has. */
const MEMBERS: Partial<Record<ProblemCode, { schema: z.ZodRawShape; example: ProblemMembers }>> = {
  'invalid-body': {
    schema: {
      errors: Problem.shape.errors.unwrap().meta({
        description: 'What is wrong where: `pointer` is a JSON pointer into the body, as a URI fragment.',
      }),
    },
    example: { errors: faultsOf(HeartbeatRequest.safeParse({ sessionId: 'anna' }).error?.issues ?? []) },
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
const problemSchema = once((code: ProblemCode) => {
  const { status, title } = PROBLEMS[code];
  return z
    .object({
      type: z.literal(`/docs#${code}`),
      title: Problem.shape.title,
      status: z.literal(status),
      detail: Problem.shape.detail,
      ...MEMBERS[code]?.schema,
    })
    .meta({ id: `${nameOf(code)}Problem`, description: `${title}.` });
});

/** What an operation answers that has these problems: one response for each status. */
export function problemResponses(codes: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, ofStatus]) => [status, problemResponse(ofStatus.join())]),
  );
}

/** The response with these problems: a comma list of codes that share a status. */
export const problemResponse = once((list: string): ZodOpenApiResponseObject => {
  const codes = list.split(',') as [ProblemCode, ...ProblemCode[]];
  const [schema, ...others] = [problemSchema(codes[0]), ...codes.slice(1).map(problemSchema)] as const;
  const headers = new Set(codes.flatMap(headersOf));
  return {
    id: codes.map(nameOf).join('Or'),
    description: codes.map((code) => `${PROBLEMS[code].title}.`).join(' Or: '),
    headers: z.object(Object.fromEntries(Object.entries(HEADERS).filter(([name]) => headers.has(name)))),
    content: {
      'application/problem+json': {
        schema: others.length === 0 ? schema : z.discriminatedUnion('type', [schema, ...others]),
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: problemDocument(code, MEMBERS[code]?.example) }]),
        ),
      },
    },
  };
});

function headersOf(code: ProblemCode): readonly string[] {
  const { headers = {} }: ProblemRow = PROBLEMS[code];
  // What it allows depends on the path, so the table cannot have it.
  return [LIVE_HEADER, ...Object.keys(headers), ...(code === 'method-not-allowed' ? ['Allow'] : [])];
}

/** Components are told apart by identity: for each key one is made. */
function once<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}
