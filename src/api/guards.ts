import type { Context, HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import { BODY_BYTES_MAX, type Settings } from '../config';
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
  if (!JSON_OR_TEXT.test(c.req.header('Content-Type') ?? '')) return problem(c, 'unsupported-media-type');
  const text = await readText(c.req, BODY_BYTES_MAX);
  if (text === undefined) return problem(c, 'body-too-large');
  // Stands for what was not UTF-8, or was lost already before it was sent.
  if (text.includes('\uFFFD')) return malformedJson(c);
  presentAsJson(c.req);
  return next();
});

const JSON_OR_TEXT = /^\s*(text\/plain|application\/json|[^/;]+\/[^/;]+\+json)?\s*(;|$)/i;

/**
 * Reads the body for Hono, which keeps it; or returns undefined where there are more bytes than `bytesMax`. HTTP ends a body
 * at the length that it declares, so a short one is read at once: to count its bytes takes a quarter of a heartbeat's time.
 */
async function readText(request: HonoRequest, bytesMax: number): Promise<string | undefined> {
  const length = Number(request.header('Content-Length') ?? Number.NaN);
  try {
    // workerd warns of every text of another type.
    if (!(length <= bytesMax) || !USUAL_TYPE.test(request.header('Content-Type') ?? '')) {
      const body = await readBytes(request.raw.body, bytesMax + 1);
      if (body.length > bytesMax) return undefined;
      const headers = new Headers(request.raw.headers);
      headers.set('Content-Type', 'application/json');
      request.raw = new Request(request.raw, { headers, body });
    }
    const text = await request.text();
    return text.length > bytesMax ? undefined : text;
  } catch {
    // The client has gone away in the middle.
    return '';
  }
}

const USUAL_TYPE = /^(application\/json|text\/plain)\s*(;|$)/i;

/** Reads no more than `length` bytes. */
async function readBytes(stream: ReadableStream<Uint8Array> | null, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let read = 0;
  for await (const chunk of stream ?? []) {
    const taken = chunk.subarray(0, length - read);
    bytes.set(taken, read);
    read += taken.length;
    if (read === length) break;
  }
  return bytes.subarray(0, read);
}

/** A `Request` of another type would do as well, for a quarter of a heartbeat's time. */
function presentAsJson(request: HonoRequest): void {
  const header = request.header.bind(request);
  Object.assign(request, {
    header: (name: string) => (name.toLowerCase() === 'content-type' ? 'application/json' : header(name)),
  });
}
