import type { Context } from 'hono';
import { PREFLIGHT_MAX_AGE_SECONDS, REQUESTED_HEADERS_LENGTH_MAX } from '../limits';
import { type Answering, CREDENTIALS_HEADER, headersWithoutBody } from './answers';

const METHODS = 'GET,HEAD,POST';

/** `*` covers neither `Authorization` nor, in browsers that don't know the wildcard, `Content-Type`. */
const NAMED_HEADERS = ['Content-Type', 'Authorization'];

/** Names of headers with commas between them. `requestedHeaders` treats a list with another character as empty. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~, \t-]*$/;

/**
 * Answers a preflight. A page may send any header, because the service reads few of them. With credentials `*` is no wildcard,
 * so the answer repeats the requested names: https://fetch.spec.whatwg.org/#cors-protocol-and-credentials
 */
export function preflight(c: Context, service: Answering): Response {
  const headers = headersWithoutBody(c, service);
  headers.set('Access-Control-Allow-Methods', METHODS);
  headers.set('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS));
  if (headers.has(CREDENTIALS_HEADER)) {
    const names = [...NAMED_HEADERS, ...requestedHeaders(c)];
    headers.set('Access-Control-Allow-Headers', names.join(','));
    headers.append('Vary', 'Access-Control-Request-Headers');
  } else {
    headers.set('Access-Control-Allow-Headers', [...NAMED_HEADERS, '*'].join(','));
  }
  return new Response(null, { status: 204, headers });
}

/** Returns the names in `Access-Control-Request-Headers` that `NAMED_HEADERS` lacks; none for a list that is too long. */
function requestedHeaders(c: Context): readonly string[] {
  const list = c.req.header('Access-Control-Request-Headers') ?? '';
  if (list.length > REQUESTED_HEADERS_LENGTH_MAX || !HEADER_NAMES.test(list)) return [];
  const named = new Set(['', ...NAMED_HEADERS.map((name) => name.toLowerCase())]);
  const names = list.split(',').map((name) => name.trim());
  return names.filter((name) => !named.has(name.toLowerCase()));
}
