import type { Context, HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Settings } from '../config';
import { BODY_BYTES_MAX } from '../limits';
import { originOf } from '../origin-of';
import { malformedJson, problem } from './problems';

/**
 * Returns a 403 for a page of an origin that is not allowed. The Worker's own pages and requests without `Origin` pass.
 *
 * CORS headers alone are not enough: a browser sends a text/plain POST without a preflight, and they only hide its answer.
 */
export function refuseForeignOrigin(c: Context, allowed: Settings['allowedOrigins']): Response | undefined {
  if (allowed === '*') return undefined;
  const origin = c.req.header('Origin');
  if (origin === undefined || allowed.includes(origin)) return undefined;
  return isOwnOrigin(origin, c.req.url) ? undefined : problem(c, 'origin-not-allowed');
}

/**
 * Whether this host serves the page of that origin.
 *
 * Behind a proxy that ends TLS, the page is `https:` and its request arrives as `http:`. That page passes, because its host is
 * the same and its scheme is the safer one. The opposite gets 403, because a network can forge an `http:` page of any host.
 * `X-Forwarded-Proto` and `X-Forwarded-Host` are ignored, because clients can send them.
 */
function isOwnOrigin(origin: string, url: string): boolean {
  // The platform passes a URL with an invalid `Host` unchanged.
  const own = originOf(url);
  return origin === own || origin === own?.replace('http:', 'https:');
}

const JSON_TYPE = 'application/json';

/**
 * Reads the body up to the limit, and presents it to the validator as JSON.
 *
 * `navigator.sendBeacon(url, string)` sends text/plain, which needs no preflight. Some clients send no content type.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  const { headers } = c.req.raw;
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && !isPlain(encoding)) return problem(c, 'unsupported-content-encoding');
  const type = headers.get('Content-Type') ?? '';
  const isUsual = USUAL_TYPE.test(type);
  if (!isUsual && !isReadAsJson(type)) return problem(c, 'unsupported-media-type');
  try {
    if (isUsual && isShort(headers)) c.req.header = headerOfJson as typeof c.req.header;
    else if (!(await copyAsJson(c.req))) return problem(c, 'body-too-large');
    // The validator gets this text, which Hono keeps.
    const text = await c.req.text();
    if (text.length > BODY_BYTES_MAX) return problem(c, 'body-too-large');
    // U+FFFD replaces bytes that are not UTF-8, here or in the client.
    return text.includes('\uFFFD') ? malformedJson(c) : next();
  } catch {
    // The connection closed before the end of the body.
    return malformedJson(c);
  }
});

/**
 * The types that nearly every client sends; `isReadAsJson` decides about all others. `copyAsJson` copies a body of another type,
 * otherwise workerd logs a warning when it reads the body as text.
 */
const USUAL_TYPE = /^(?:application\/json|text\/plain)\s*(?:;[^,]*)?$/i;

/**
 * Whether the service reads a body of this type. Two `Content-Type` headers arrive as one with a comma, so every element must
 * pass. An empty element passes, because a missing type does.
 */
function isReadAsJson(contentType: string): boolean {
  return listElements(contentType).every((element) => {
    const [type = ''] = element.split(';', 1);
    return JSON_OR_TEXT.test(type.trim());
  });
}

// No two parts match the same white space, otherwise a long type takes quadratic time.
const JSON_OR_TEXT = /^(?:text\/plain|application\/json|[^/]+\/[^/]+\+json)?$/i;

/** Splits a header at its commas, except those in quotes: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1 */
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

/** Whether the body has no content coding. `identity` means none. */
function isPlain(contentEncoding: string): boolean {
  return contentEncoding.split(',').every((coding) => /^(?:identity)?$/i.test(coding.trim()));
}

/** Whether `Content-Length` is within the limit. HTTP ends the body there. A count of its bytes takes 25 % of a heartbeat's time. */
function isShort(headers: Headers): boolean {
  return Number(headers.get('Content-Length') ?? Number.NaN) <= BODY_BYTES_MAX;
}

/** Replaces `header` of a request, so that its type is application/json. A new `Request` takes 25 % of a heartbeat's time. */
function headerOfJson(this: HonoRequest, name?: string): string | Record<string, string> | undefined {
  const { headers } = this.raw;
  if (name === undefined) return Object.fromEntries(headers);
  return name.toLowerCase() === 'content-type' ? JSON_TYPE : (headers.get(name) ?? undefined);
}

/** Replaces the request by a copy of type application/json. Returns false for a body above the limit, and stops reading there. */
async function copyAsJson(request: HonoRequest): Promise<boolean> {
  const bytes = new Uint8Array(BODY_BYTES_MAX);
  let length = 0;
  for await (const chunk of request.raw.body ?? []) {
    if (length + chunk.byteLength > BODY_BYTES_MAX) return false;
    bytes.set(chunk, length);
    length += chunk.byteLength;
  }
  const headers = new Headers(request.raw.headers);
  headers.set('Content-Type', JSON_TYPE);
  request.raw = new Request(request.raw, { headers, body: bytes.subarray(0, length) });
  return true;
}
