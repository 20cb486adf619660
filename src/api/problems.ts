import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import {
  BODY_BYTES_MAX,
  FULL_RETRY_SECONDS,
  HISTORY_INTERVAL_MS,
  LIVE_RETRY_SECONDS,
  NEW_SESSION_RETRY_SECONDS,
  PROBLEM_ERRORS_MAX,
} from '../limits';
import type { Problem } from './answer-schemas';
import { json } from './answers';

/** The media type of a problem document: https://www.rfc-editor.org/rfc/rfc9457#section-3 */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/**
 * Every error of this API. Responses, types and the OpenAPI document derive from this table. The code is the fragment of the
 * problem's `type`.
 */
export const PROBLEMS = {
  'malformed-json': {
    status: 400,
    title: 'The body is not JSON',
    detail: 'The body must be one JSON object in UTF-8.',
  },
  'invalid-body': {
    status: 400,
    title: 'The body is not valid',
    detail: 'The key errors says what is wrong, and where.',
  },
  'invalid-channel': {
    status: 400,
    title: 'The name of a channel is not valid',
    detail: 'The key errors says which name, and what is accepted.',
  },
  'invalid-query': {
    status: 400,
    title: 'The query is not valid',
    detail: 'The key errors says which parameter is wrong, and what is accepted.',
  },
  'origin-not-allowed': {
    status: 403,
    title: 'The origin is not allowed',
    detail: 'This origin is not on the list of allowed origins.',
  },
  'not-found': { status: 404, title: 'Not found', detail: 'No resource has this path.' },
  'no-live-sockets': {
    status: 404,
    title: 'The service has no live sockets',
    detail: 'Live sockets need the Durable Object hub: set the variable PRESENCE_HUB to durable-object.',
  },
  'no-channels': {
    status: 404,
    title: 'The service has no channels',
    detail:
      'Set the variable CHANNELS to names of channels, or to *. It needs the Durable Object hub, PRESENCE_HUB durable-object.',
  },
  'no-history': {
    status: 404,
    title: 'The service has no history',
    detail: 'The history needs the Durable Object hub: set the variable PRESENCE_HUB to durable-object.',
  },
  'unknown-channel': {
    status: 404,
    title: 'The service has no channel of this name',
    detail: 'The variable CHANNELS of the service does not allow the name. The key errors says which one.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The method is not allowed',
    detail: 'The header Allow lists the allowed methods.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    detail: `The body may have at most ${BODY_BYTES_MAX} bytes.`,
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The media type is not supported',
    detail: 'Send JSON as application/json, as any type ending in +json, as text/plain, or with no type.',
  },
  'unsupported-content-encoding': {
    status: 415,
    title: 'The content encoding is not supported',
    detail: 'Send the body without Content-Encoding.',
    headers: { 'Accept-Encoding': 'identity' },
  },
  'upgrade-required': {
    status: 426,
    title: 'This path is for WebSockets only',
    detail: 'Open a WebSocket with this address.',
    headers: { Upgrade: 'websocket' },
  },
  'too-many-new-sessions': {
    status: 429,
    title: 'Too many new sessions',
    detail:
      'This network started too many new sessions, or opened too many empty channels. Known sessions are still counted.',
    headers: { 'Retry-After': String(NEW_SESSION_RETRY_SECONDS) },
  },
  'internal-error': {
    status: 500,
    title: 'The service has an internal error',
    detail: 'The log of the service has the cause, under this request id.',
  },
  full: {
    status: 503,
    title: 'No new session can be counted now',
    detail: 'The service has reached its limit of sessions or channels. Known sessions are still counted.',
    headers: { 'Retry-After': String(FULL_RETRY_SECONDS) },
  },
  'live-unavailable': {
    status: 503,
    title: 'No live socket can be opened now',
    detail: 'The room is unavailable or full. HTTP heartbeats still work.',
    headers: { 'Retry-After': String(LIVE_RETRY_SECONDS) },
  },
  'history-unavailable': {
    status: 503,
    title: 'The history cannot be read now',
    detail: 'The room does not answer. The other requests still work.',
    headers: { 'Retry-After': String(HISTORY_INTERVAL_MS / 1_000) },
  },
} as const satisfies Record<string, ProblemRow>;
export type ProblemCode = keyof typeof PROBLEMS;

/** Every answer with the problem has these `headers`. */
export interface ProblemRow {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  readonly headers?: Readonly<Partial<Record<ProblemHeader, string>>>;
}

export type ProblemHeader = 'Accept-Encoding' | 'Retry-After' | 'Upgrade';

/** Keys of a problem document that depend on the request, not on the table. */
export type ProblemMembers = Pick<Problem, 'errors' | 'requestId'>;

/** The problems that have `errors`. */
type WithErrors = 'invalid-body' | 'invalid-channel' | 'invalid-query' | 'unknown-channel';

/** The type of one problem's document. Only `internal-error` has `requestId`. */
export type ProblemOf<Code extends ProblemCode> = {
  readonly type: ReturnType<typeof problemTypeOf<Code>>;
  readonly status: (typeof PROBLEMS)[Code]['status'];
} & Pick<Problem, 'title' | 'detail'> &
  (Code extends WithErrors ? Required<Pick<Problem, 'errors'>> : unknown) &
  (Code extends 'internal-error' ? Required<Pick<Problem, 'requestId'>> : unknown);

/** Returns the `type` of a problem: its place in /docs. */
export const problemTypeOf = <Code extends ProblemCode>(code: Code) => `/docs#${code}` as const;

/** Returns the document of a problem. `members` must not repeat the request, otherwise an attacker chooses the text. */
export function problemDocument<Code extends ProblemCode>(code: Code, members: ProblemMembers = {}) {
  const { status, title, detail } = PROBLEMS[code];
  // Without the cast, TypeScript infers the union of all rows.
  return { type: problemTypeOf(code), title, status, detail, ...members } as ProblemOf<Code>;
}

/** Answers with a problem document. */
export function problem<Code extends ProblemCode>(
  c: Context,
  code: Code,
  members: ProblemMembers = {},
  headers: Record<string, string> = {},
) {
  const body = problemDocument(code, members);
  const row: ProblemRow = PROBLEMS[code];
  return json(c, body, body.status, {
    ...row.headers,
    ...headers,
    'Content-Type': PROBLEM_MEDIA_TYPE,
  });
}

export interface ValidationIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Returns the `errors` of a problem document: where a body or a parameter is wrong, and what is accepted there. */
export function faultsOf(issues: readonly ValidationIssue[]) {
  return issues.slice(0, PROBLEM_ERRORS_MAX).map(({ path, message }) => ({
    pointer: `#${path.map((key) => `/${String(key)}`).join('')}`,
    detail: message,
  }));
}

/** Validator hook: refuses a body. The messages of the schemas say what is accepted, and never repeat the input. */
export const refuseBody = (result: ValidationResult, c: Context) => refuse(result, c, 'invalid-body');

/** Validator hook: refuses a query. */
export const refuseQuery = (result: ValidationResult, c: Context) => refuse(result, c, 'invalid-query');

type ValidationResult =
  | { readonly success: true }
  | { readonly success: false; readonly error: { readonly issues: readonly ValidationIssue[] } };

function refuse<Code extends WithErrors>(result: ValidationResult, c: Context, code: Code) {
  if (result.success) return undefined;
  return problem(c, code, { errors: faultsOf(result.error.issues) });
}

export function malformedJson(c: Context) {
  return problem(c, 'malformed-json');
}

export function notFound(c: Context) {
  return problem(c, 'not-found');
}

export function answer405(c: Context, methods: readonly string[]) {
  return problem(c, 'method-not-allowed', {}, { Allow: [...methods, 'OPTIONS'].join(', ') });
}

/** Answers an unexpected error with a 500. The log gets the error; the answer has only the id of the log line. */
export function onError(error: Error, c: Context) {
  // Only Hono's validator throws this, for a body that `JSON.parse` refuses.
  if (error instanceof HTTPException && error.status === 400) return malformedJson(c);
  const requestId = crypto.randomUUID();
  const { name, message, stack } = error;
  console.error(JSON.stringify({ level: 'error', event: 'request failed', requestId, name, message, stack }));
  return problem(c, 'internal-error', { requestId });
}
