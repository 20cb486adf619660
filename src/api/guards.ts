import type { Context, HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Settings } from '../config';
import { BODY_BYTES_MAX } from '../limits';
import { malformedJson, problem } from './problems';

/**
 * Refuses browsers of other origins than the allowed ones. The server does it itself, since a text/plain POST is sent
 * without a preflight and CORS headers would only hide the answer. The Worker's own pages and requests without an
 * `Origin` (not a browser, or the same origin) pass.
 */
export function refuseForeignOrigin(c: Context, allowed: Settings['allowedOrigins']): Response | undefined {
  if (allowed === '*') return undefined;
  const origin = c.req.header('Origin');
  if (origin === undefined || allowed.includes(origin)) return undefined;
  if (origin === new URL(c.req.url).origin) return undefined;
  return problem(c, 'origin-not-allowed');
}

/**
 * Reads the body, up to the limit, and presents it to the validator as JSON.
 *
 * text/plain is what `navigator.sendBeacon(url, string)` sends and what needs no preflight; no content type at all is
 * what the simplest clients send.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  const type = c.req.header('Content-Type') ?? '';
  if (!JSON_OR_TEXT.test(type)) return problem(c, 'unsupported-media-type');
  try {
    if (isShort(c.req) && USUAL_TYPE.test(type)) presentAsJson(c.req);
    else if (!(await copyAsJson(c.req))) return problem(c, 'body-too-large');
    // Hono keeps it for the validator.
    const text = await c.req.text();
    if (text.length > BODY_BYTES_MAX) return problem(c, 'body-too-large');
    // Stands for what was not UTF-8, or was lost already before it was sent.
    return text.includes('\uFFFD') ? malformedJson(c) : next();
  } catch {
    // The client has gone away in the middle.
    return malformedJson(c);
  }
});

const JSON_OR_TEXT = /^\s*(text\/plain|application\/json|[^/;]+\/[^/;]+\+json)?\s*(;|$)/i;
/** Reading a body of any other type as text makes workerd log a warning. */
const USUAL_TYPE = /^(application\/json|text\/plain)\s*(;|$)/i;

/** HTTP ends a body at the length that it declares. To count its bytes takes a quarter of a heartbeat's time. */
function isShort({ raw }: HonoRequest): boolean {
  return Number(raw.headers.get('Content-Length') ?? Number.NaN) <= BODY_BYTES_MAX;
}

/** Lets the validator find JSON. A `Request` of another type would do as well, for a quarter of a heartbeat's time. */
function presentAsJson(request: HonoRequest): void {
  const header = request.header.bind(request);
  Object.assign(request, {
    header: (name: string) => (name.toLowerCase() === 'content-type' ? 'application/json' : header(name)),
  });
}

/** Counts the bytes while it reads them, and stops at the limit. Returns whether it has read all. */
async function copyAsJson(request: HonoRequest): Promise<boolean> {
  const bytes = new Uint8Array(BODY_BYTES_MAX);
  let length = 0;
  for await (const chunk of request.raw.body ?? []) {
    if (length + chunk.byteLength > BODY_BYTES_MAX) return false;
    bytes.set(chunk, length);
    length += chunk.byteLength;
  }
  const headers = new Headers(request.raw.headers);
  headers.set('Content-Type', 'application/json');
  request.raw = new Request(request.raw, { headers, body: bytes.subarray(0, length) });
  return true;
}
