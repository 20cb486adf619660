import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import type { Settings } from '../config';
import { HEARTBEAT_INTERVAL_MAX_MS, HEARTBEATS_IN_TTL } from '../limits';

/** A service with live sockets sends this header in every answer, with the value 1. */
export const LIVE_HEADER = 'Presence-Live';

/** Every answer has this header: the seconds between two heartbeats of a client. Only with a wrong setting the value is unknown. */
export const INTERVAL_HEADER = 'Presence-Interval';

/** Headers that one answer adds to the common ones, or replaces. */
type HeaderOverrides = Readonly<Record<string, string>>;

/** The part of the context variable `service` that answers use. */
export interface Answering {
  /** The common headers of an answer to that request. */
  readonly answerHeaders: (c: Context) => Headers;
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
 * Returns a function that looks up the common headers of an answer. They are built once, because `Response` copies a
 * `Headers` object fast. Setting them one by one takes 10 % of a heartbeat's time, and a plain object 5 %.
 *
 * Listed origins may send credentials, because a beacon with a JSON Blob always has them. The service never reads them. With
 * `*` no origin may send them: browsers refuse the two together.
 */
export function answerHeaders(
  { allowedOrigins: allowed, timing }: Pick<Settings, 'allowedOrigins' | 'timing'>,
  hasLiveSockets: boolean,
): Answering['answerHeaders'] {
  const ofService = {
    [INTERVAL_HEADER]: heartbeatInterval(timing.ttlMs),
    ...(hasLiveSockets && { [LIVE_HEADER]: '1' }),
  };
  const common = { ...COMMON, ...ofService };
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

/** The seconds between two heartbeats, as text with at most three decimals. It is rounded down, so a TTL has time for three. */
export function heartbeatInterval(ttlMs: number): string {
  return String(Math.min(Math.floor(ttlMs / HEARTBEATS_IN_TTL), HEARTBEAT_INTERVAL_MAX_MS) / 1_000);
}

/** The common headers for an answer without a body. The caller may change them. */
export function headersWithoutBody(c: Context, { answerHeaders }: Answering): Headers {
  const headers = new Headers(answerHeaders(c));
  headers.delete('Content-Type');
  return headers;
}

/** Answers like `c.json`, which sets headers one by one and is slower. */
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
