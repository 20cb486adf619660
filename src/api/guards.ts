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
  return problem(c, 'origin-not-allowed');
}

/**
 * Reads the body, whatever its length claims to be, up to the limit, and presents it to the validator as JSON.
 *
 * text/plain is what `navigator.sendBeacon(url, string)` sends and what needs no preflight; no content type at all is
 * what the simplest clients send.
 */
export const jsonBody = createMiddleware(async (c, next) => {
  if (!isJson(c.req.header('Content-Type'))) return problem(c, 'unsupported-media-type');
  const body = await readText(c.req.raw.body, BODY_BYTES_MAX);
  if (body === 'too large') return problem(c, 'body-too-large');
  if (body === 'unreadable') return malformedJson(c);
  const headers = new Headers(c.req.raw.headers);
  headers.set('Content-Type', 'application/json');
  c.req.raw = new Request(c.req.raw, { headers, body: body.text });
  return next();
});

function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  return (
    mediaType === '' || mediaType === 'text/plain' || /^(application\/|[^/]+\/[^/]+\+)json$/.test(mediaType)
  );
}

type Read = { readonly text: string } | 'too large' | 'unreadable';

/** Reads UTF-8, and stops as soon as there are more bytes than `bytesMax`. The client may also go away in the middle. */
async function readText(stream: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Read> {
  if (stream === null) return { text: '' };
  const bytes = new Uint8Array(bytesMax);
  let length = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { text: STRICT_UTF8.decode(bytes.subarray(0, length)) };
      if (length + value.byteLength > bytesMax) {
        await reader.cancel();
        return 'too large';
      }
      bytes.set(value, length);
      length += value.byteLength;
    }
  } catch {
    return 'unreadable';
  }
}

/** Throws at what is not UTF-8, instead of putting something in its place. */
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
