import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import type { Settings } from '../config';
import { HEARTBEAT_INTERVAL_MAX_MS, HEARTBEATS_IN_TTL } from '../limits';

/** Every answer of a service with live sockets has this header, with the value 1. */
export const LIVE_HEADER = 'Presence-Live';

/** Every answer has this header: the seconds between two heartbeats of a client. Only the 500 for a wrong setting lacks it. */
export const INTERVAL_HEADER = 'Presence-Interval';

/** Headers that one answer adds to the common ones, or replaces. */
type HeaderOverrides = Readonly<Record<string, string>>;

/** The part of the context variable `service` that answers use. */
export interface Answering {
  /** Returns an empty 200 with the common headers of an answer to that request. Do not send it, because requests share it. */
  readonly answerTemplate: (c: Context) => Response;
}

const COMMON = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  // Otherwise a browser may treat the body as another type, and run scripts in it.
  'X-Content-Type-Options': 'nosniff',
  // Lets scripts of other origins read these headers.
  'Access-Control-Expose-Headers': `${INTERVAL_HEADER},${LIVE_HEADER},Retry-After,Accept-Encoding`,
} as const;

/** Without this header a browser hides the answer to a request with credentials from the page. */
export const CREDENTIALS_HEADER = 'Access-Control-Allow-Credentials';

/**
 * Returns a function that looks up the template of an answer. Templates are built once, because `new Response(text, template)` copies
 * headers in the least time. A `Headers` object takes more of a heartbeat's time, and single headers take most.
 *
 * Listed origins may send credentials, because a beacon with a JSON Blob always has them. The service never reads them. With
 * `*` no origin may send them, because browsers refuse credentials and `*` together.
 */
export function answerTemplates(
  { allowedOrigins: allowed, timing }: Pick<Settings, 'allowedOrigins' | 'timing'>,
  hasLiveSockets: boolean,
): Answering['answerTemplate'] {
  const ofService = {
    [INTERVAL_HEADER]: heartbeatInterval(timing.ttlMs),
    ...(hasLiveSockets && { [LIVE_HEADER]: '1' }),
  };
  const common = { ...COMMON, ...ofService };
  const allowing = (origin: string) => ({ ...common, 'Access-Control-Allow-Origin': origin });
  if (allowed === '*') {
    const forAll = template(allowing('*'));
    return () => forAll;
  }
  const forOthers = template({ ...common, Vary: 'Origin' });
  const forListed = { Vary: 'Origin', [CREDENTIALS_HEADER]: 'true' };
  const byOrigin = new Map(
    allowed.map((origin) => [origin, template({ ...allowing(origin), ...forListed })]),
  );
  return (c) => byOrigin.get(c.req.header('Origin') ?? '') ?? forOthers;
}

const template = (headers: HeaderOverrides) => new Response(null, { headers });

/** Returns the seconds between two heartbeats, as text with at most three decimals. Rounded down, so three fit into a TTL. */
export function heartbeatInterval(ttlMs: number): string {
  return String(Math.min(Math.floor(ttlMs / HEARTBEATS_IN_TTL), HEARTBEAT_INTERVAL_MAX_MS) / 1_000);
}

/** Returns a copy of the common headers, for an answer without a body. */
export function headersWithoutBody(c: Context, { answerTemplate }: Answering): Headers {
  const { headers } = new Response(null, answerTemplate(c));
  headers.delete('Content-Type');
  return headers;
}

/** Returns an answer in JSON. `c.json` takes more time, because it sets headers one by one. */
export function json<Body, Status extends ContentfulStatusCode = 200>(
  c: Context,
  body: Body,
  status?: Status,
  headers?: HeaderOverrides,
): Response & TypedResponse<JSONParsed<Body>, Status, 'json'> {
  const service: Answering | undefined = c.get('service');
  const common = service?.answerTemplate(c) ?? template(COMMON);
  const isUsual = (status ?? 200) === 200 && headers === undefined;
  const init = isUsual ? common : { status: status ?? 200, headers: withOverrides(common, headers) };
  return new Response(JSON.stringify(body), init) as ReturnType<typeof json<Body, Status>>;
}

function withOverrides(common: Response, overrides: HeaderOverrides = {}): Headers {
  const headers = new Headers(common.headers);
  for (const [name, value] of Object.entries(overrides)) headers.set(name, value);
  return headers;
}
