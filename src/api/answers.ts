import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import type { Settings } from '../config';

/** Answers of a service that has live sockets carry this header, with the value 1. */
export const LIVE_HEADER = 'Presence-Live';

type Headers = Readonly<Record<string, string>>;

/** What answers need of the variable `replica`. */
export interface Answering {
  /** The headers of an answer to that request, unless it says otherwise. */
  readonly answerHeaders: (c: Context) => Headers;
}

const COMMON = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  // What the Worker answers is read by scripts: nothing in it is to be run, shown in a frame or taken for another type.
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** Lets scripts of other origins read the headers that are ours. Sent where one of them is. */
export const EXPOSED = { 'Access-Control-Expose-Headers': `${LIVE_HEADER},Retry-After` } as const;

/**
 * Puts the headers of every answer together once: `Response` takes a plain object as it is, while to set them one by one costs
 * a tenth of a heartbeat.
 */
export function answerHeaders(
  allowed: Settings['allowedOrigins'],
  hasLiveSockets: boolean,
): Answering['answerHeaders'] {
  const headers = { ...COMMON, ...(hasLiveSockets && { ...EXPOSED, [LIVE_HEADER]: '1' }) };
  if (allowed === '*') {
    const forAll = { ...headers, 'Access-Control-Allow-Origin': '*' };
    return () => forAll;
  }
  return (c) => {
    const origin = c.req.header('Origin');
    const isAllowed = origin !== undefined && allowed.includes(origin);
    return { ...headers, Vary: 'Origin', ...(isAllowed && { 'Access-Control-Allow-Origin': origin }) };
  };
}

/** Answers like `c.json`, which would set headers one by one. */
export function json<Body, Status extends ContentfulStatusCode = 200>(
  c: Context,
  body: Body,
  status?: Status,
  headers?: Headers,
): Response & TypedResponse<JSONParsed<Body>, Status, 'json'> {
  const replica: Answering | undefined = c.get('replica');
  const common = replica?.answerHeaders(c) ?? COMMON;
  const init = { status: status ?? 200, headers: headers === undefined ? common : { ...common, ...headers } };
  return new Response(JSON.stringify(body), init) as ReturnType<typeof json<Body, Status>>;
}
