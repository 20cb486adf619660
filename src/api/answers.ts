import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import type { Settings } from '../config';

/** Answers of a service that has live sockets carry this header, with the value 1. */
export const LIVE_HEADER = 'Presence-Live';

/** What one answer says otherwise than the others. */
type HeaderOverrides = Readonly<Record<string, string>>;

/** What answers need of the variable `service`. */
export interface Answering {
  /** The headers of an answer to that request, unless it says otherwise. */
  readonly answerHeaders: (c: Context) => Headers;
}

const COMMON = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  // Whatever a browser is told, it takes this for JSON, in which nothing runs.
  'X-Content-Type-Options': 'nosniff',
} as const;

/** Lets scripts of other origins read the headers that are ours. Sent where one of them is. */
export const EXPOSED = {
  'Access-Control-Expose-Headers': `${LIVE_HEADER},Retry-After,Accept-Encoding`,
} as const;

/** Without this header a browser keeps the answer to a request with credentials from the page. */
export const CREDENTIALS_HEADER = 'Access-Control-Allow-Credentials';

/**
 * Puts the headers of every answer together once. `Response` copies them as they are, while to set them one by one costs a
 * tenth of a heartbeat, and to give them as a plain object half of that.
 *
 * Listed origins may send credentials, which the service never reads: a beacon with a JSON Blob always has them. With `*`
 * no origin may, since browsers refuse the two together.
 */
export function answerHeaders(
  allowed: Settings['allowedOrigins'],
  hasLiveSockets: boolean,
): Answering['answerHeaders'] {
  const common = { ...COMMON, ...(hasLiveSockets && { ...EXPOSED, [LIVE_HEADER]: '1' }) };
  const allowing = (origin: string) => ({ ...common, 'Access-Control-Allow-Origin': origin });
  if (allowed === '*') {
    const forAll = new Headers(allowing('*'));
    return () => forAll;
  }
  const forOthers = new Headers({ ...common, Vary: 'Origin' });
  const forListed = { Vary: 'Origin', [CREDENTIALS_HEADER]: 'true' };
  const byOrigin = new Map(
    allowed.map((origin) => [origin, new Headers({ ...allowing(origin), ...forListed })]),
  );
  return (c) => byOrigin.get(c.req.header('Origin') ?? '') ?? forOthers;
}

/** Answers like `c.json`, which would set headers one by one. */
export function json<Body, Status extends ContentfulStatusCode = 200>(
  c: Context,
  body: Body,
  status?: Status,
  headers?: HeaderOverrides,
): Response & TypedResponse<JSONParsed<Body>, Status, 'json'> {
  const service: Answering | undefined = c.get('service');
  const common = service?.answerHeaders(c) ?? new Headers(COMMON);
  const init = {
    status: status ?? 200,
    headers: headers === undefined ? common : withOverrides(common, headers),
  };
  return new Response(JSON.stringify(body), init) as ReturnType<typeof json<Body, Status>>;
}

function withOverrides(common: Headers, overrides: HeaderOverrides): Headers {
  const headers = new Headers(common);
  for (const [name, value] of Object.entries(overrides)) headers.set(name, value);
  return headers;
}
