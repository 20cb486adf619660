import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { PROBLEM_ERRORS_MAX } from '../config';
import type { Problem } from './schemas';

/** Every error this API answers with. The code becomes the fragment of the problem's `type`. */
export const PROBLEMS = {
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'invalid-body': { status: 400, title: 'The body is not what this request takes' },
  'origin-not-allowed': { status: 403, title: 'This origin may not use the API' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'no-live-sockets': { status: 404, title: 'This service has no live sockets' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'upgrade-required': { status: 426, title: 'This is for WebSockets only' },
  'too-many-new-sessions': { status: 429, title: 'Too many new sessions' },
  'internal-error': { status: 500, title: 'Something went wrong' },
  'no-room': { status: 503, title: 'There is no room for new sessions' },
  'live-unavailable': { status: 503, title: 'No live socket can be opened now' },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/** Answers with a problem document. Nothing of the request may stand in it: what is echoed can be abused. */
export function problem<Code extends ProblemCode>(
  c: Context,
  code: Code,
  more: Pick<Problem, 'detail' | 'errors' | 'requestId'>,
  headers: Record<string, string> = {},
) {
  const { status, title } = PROBLEMS[code];
  const body: Problem = { type: `/docs#${code}`, title, status, ...more };
  return c.json(body, status as (typeof PROBLEMS)[Code]['status'], {
    ...headers,
    'Cache-Control': 'no-store',
    'Content-Type': 'application/problem+json',
  });
}

interface ValidationIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The hook of every `zValidator`. The schemas' messages say what is accepted, never what came. */
export function refuseInvalid(
  result: { success: true } | { success: false; error: { issues: readonly ValidationIssue[] } },
  c: Context,
) {
  if (result.success) return undefined;
  const errors = result.error.issues.slice(0, PROBLEM_ERRORS_MAX).map(({ path, message }) => ({
    pointer: `#${path.map((key) => `/${String(key)}`).join('')}`,
    detail: message,
  }));
  return problem(c, 'invalid-body', { detail: 'See errors for what is wrong where.', errors });
}

export function malformedJson(c: Context) {
  return problem(c, 'malformed-json', { detail: 'The body must be one JSON object in UTF-8.' });
}

export function notFound(c: Context) {
  return problem(c, 'not-found', { detail: 'No resource has this path.' });
}

export function answer405(c: Context, methods: string[]) {
  const allow = [...methods, 'OPTIONS'].join(', ');
  return problem(c, 'method-not-allowed', { detail: `Allowed are: ${allow}.` }, { Allow: allow });
}

/** The one place where errors end. What went wrong goes to the log; the answer holds an id to find it there. */
export function onError(error: Error, c: Context) {
  // Hono's validator throws this for a body that JSON.parse refuses, and nothing else here throws it.
  if (error instanceof HTTPException && error.status === 400) return malformedJson(c);
  const requestId = crypto.randomUUID();
  const { name, message, stack } = error;
  console.error(JSON.stringify({ level: 'error', event: 'request failed', requestId, name, message, stack }));
  return problem(c, 'internal-error', {
    detail: 'The log of the service has the cause, under this request id.',
    requestId,
  });
}
