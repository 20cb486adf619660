import type { Context, HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Settings } from '../config';
import { BODY_BYTES_MAX } from '../limits';
import { originOf } from '../origin-of';
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
  return isOwnOrigin(origin, c.req.url) ? undefined : problem(c, 'origin-not-allowed');
}

/**
 * Whether the page of that origin is served by the same host as this request.
 *
 * Behind a proxy that ends TLS the page is `https:` and the request arrives as `http:`. Such a page passes: the browser asked
 * for its host, and its scheme is the safer one. The opposite gets 403, since a network can forge an `http:` page of any
 * host. `X-Forwarded-Proto` and `X-Forwarded-Host` count for nothing, since clients can send them.
 */
function isOwnOrigin(origin: string, url: string): boolean {
  // `Host` may hold no host: the platform passes such a URL on as it stands.
  const own = originOf(url);
  return origin === own || origin === own?.replace('http:', 'https:');
}

/**
 * Reads the body, up to the limit, and presents it to the validator as JSON.
 *
 * text/plain is what `navigator.sendBeacon(url, string)` sends and what needs no preflight; no content type at all is
 * what the simplest clients send.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  const encoding = c.req.header('Content-Encoding');
  if (encoding !== undefined && !isPlain(encoding)) return problem(c, 'unsupported-content-encoding');
  const type = c.req.header('Content-Type') ?? '';
  const isUsual = USUAL_TYPE.test(type);
  if (!isUsual && !isReadAsJson(type)) return problem(c, 'unsupported-media-type');
  try {
    if (isUsual && isShort(c.req)) presentAsJson(c.req);
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

/**
 * What nearly every client sends. `isReadAsJson` reads lists. `copyAsJson` copies a body of any other type, otherwise workerd
 * logs a warning when it reads the body as text.
 */
const USUAL_TYPE = /^(?:application\/json|text\/plain)\s*(?:;[^,]*)?$/i;

/**
 * Whether the service reads a body of this type. Two `Content-Type` headers arrive as one with a comma, so every element must
 * be a type that it reads. An element without a type is no type at all, which it reads too.
 */
function isReadAsJson(contentType: string): boolean {
  return listElements(contentType).every((element) => {
    const [type = ''] = element.split(';', 1);
    return JSON_OR_TEXT.test(type.trim());
  });
}

// No two parts of it match the same white space, otherwise it takes quadratic time to refuse a long one.
const JSON_OR_TEXT = /^(?:text\/plain|application\/json|[^/]+\/[^/]+\+json)?$/i;

/** The elements of a header that is a list; commas in quotes divide nothing: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1 */
function listElements(list: string): readonly string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let index = 0; index < list.length; index += 1) {
    const character = list[index];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) index += 1;
    else if (character === ',' && !isQuoted) {
      elements.push(list.slice(start, index));
      start = index + 1;
    }
  }
  elements.push(list.slice(start));
  return elements;
}

/** Whether no coding is applied to the body: `identity` is the name for that. */
function isPlain(contentEncoding: string): boolean {
  return contentEncoding.split(',').every((coding) => /^(?:identity)?$/i.test(coding.trim()));
}

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
