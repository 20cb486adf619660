import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { BODY_BYTES_MAX, type Settings } from '../config';
import { malformedJson, problem } from './problems';

/**
 * Refuses browsers of other origins than the allowed ones. The server does it itself, since a text/plain POST is sent
 * without a preflight and CORS headers would only hide the answer. The Worker's own pages and requests without an
 * `Origin` (not a browser, or the same origin) pass.
 */
export function refuseForeignOrigin(c: Context, allowed: Settings['allowedOrigins']): Response | undefined {
  const origin = c.req.header('Origin');
  if (allowed === '*' || origin === undefined || allowed.includes(origin)) return undefined;
  if (origin === new URL(c.req.url).origin) return undefined;
  return problem(c, 'origin-not-allowed', {
    detail: 'The owner of this service has not listed this origin.',
  });
}

/**
 * Reads the body, whatever its length claims to be, up to the limit, and presents it to the validator as JSON.
 *
 * text/plain is what `navigator.sendBeacon(url, string)` sends and what needs no preflight; no content type at all is
 * what the simplest clients send.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  if (!isJson(c.req.header('Content-Type'))) {
    const detail = 'Send JSON as application/json, as any type ending in +json, or as text/plain.';
    return problem(c, 'unsupported-media-type', { detail });
  }
  const bytes = await readUpTo(BODY_BYTES_MAX, c.req.raw.body);
  if (bytes === undefined)
    return problem(c, 'body-too-large', { detail: `At most ${BODY_BYTES_MAX} bytes are read.` });
  const body = decodeUtf8(bytes);
  if (body === undefined) return malformedJson(c);
  const headers = new Headers(c.req.raw.headers);
  headers.set('Content-Type', 'application/json');
  c.req.raw = new Request(c.req.raw, { headers, body });
  return next();
});

function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  return mediaType === '' || mediaType === 'text/plain' || /^[^/]+\/([^/]+\+)?json$/.test(mediaType);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of the stream; undefined as soon as there are more than `bytesMax`. */
async function readUpTo(
  bytesMax: number,
  stream: ReadableStream<Uint8Array> | null,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(bytesMax);
  let length = 0;
  if (stream === null) return bytes.subarray(0, 0);
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, length);
    if (length + value.byteLength > bytesMax) {
      await reader.cancel();
      return undefined;
    }
    bytes.set(value, length);
    length += value.byteLength;
  }
}
