import { sessionId } from '../../support/session-id';
import { type Expected, MARK, PRESENT_ID } from './hostile-row';
import type { RawRequest } from './raw-http';

// The requests of the hostile table, and the answers that it expects.

/** The id of a session that is never present. */
export const ABSENT_ID = sessionId(2);

export type Headers = Readonly<Record<string, string>>;
export type Body = string | Uint8Array;

export const JSON_TYPE = { 'Content-Type': 'application/json' };
export const OK: Expected = { status: 200 };
export const malformed: Expected = { status: 400, code: 'malformed-json' };
export const invalid: Expected = { status: 400, code: 'invalid-body' };
export const tooLarge: Expected = { status: 413, code: 'body-too-large' };
export const foreignType: Expected = { status: 415, code: 'unsupported-media-type' };
export const foreignEncoding: Expected = {
  status: 415,
  code: 'unsupported-content-encoding',
  headers: { 'Accept-Encoding': 'identity' },
};
export const foreignOrigin: Expected = { status: 403, code: 'origin-not-allowed' };
export const notFound: Expected = { status: 404, code: 'not-found' };
export const upgradeRequired: Expected = { status: 426, code: 'upgrade-required' };
export const notAllowed = (allow: string): Expected => ({
  status: 405,
  code: 'method-not-allowed',
  headers: { Allow: allow },
});

export const request = (
  method: string,
  path: string,
  headers: Headers = {},
  body: Body = '',
): RawRequest => ({
  method,
  path,
  headers: Object.entries(headers),
  body: body.length === 0 ? [] : [body],
  contentLength: method === 'GET' || method === 'HEAD' ? undefined : String(Buffer.byteLength(body)),
});
export const heartbeat = (body: Body, headers: Headers = JSON_TYPE) =>
  request('POST', '/api/heartbeat', headers, body);
export const leave = (body: Body, headers: Headers = JSON_TYPE) =>
  request('POST', '/api/leave', headers, body);

export const absentBody = (more: object = {}) =>
  JSON.stringify({ sessionId: ABSENT_ID, mood: 'presence', note: MARK, ...more });
export const presentBody = (more = '') => `{"sessionId":"${PRESENT_ID}","mood":"presence"${more}}`;
export const filled = (length: number) => {
  const body = presentBody(`,"note":""`);
  return presentBody(`,"note":"${'x'.repeat(length - body.length)}"`);
};
export const from = (Origin: string) => ({ ...JSON_TYPE, Origin });
export const upgrade = (headers: Headers = {}, path = '/api/live') =>
  request('GET', path, {
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  });
export const preflight = (headers: Headers, path = '/api/heartbeat') =>
  request('OPTIONS', path, { 'Access-Control-Request-Method': 'POST', ...headers });

/** Returns a row with a request of `make`, and with a second one that is eight times as long. */
export const growing = (
  name: string,
  make: (length: number) => RawRequest,
  expected: Expected,
  length = 7_000,
) => [`the time for ${name} is linear`, make(length), expected, { eightTimes: make(8 * length) }] as const;
export const at = (address: string) => ({ ...JSON_TYPE, 'CF-Connecting-IP': address });
export const fromHost = (Host: string, headers: Headers = {}) =>
  heartbeat(presentBody(), { ...JSON_TYPE, Host, ...headers });
export const typed = (type: string) => heartbeat(absentBody(), { 'Content-Type': type });
export const encoded = (encoding: string, body: Body = absentBody()) =>
  heartbeat(body, { ...JSON_TYPE, 'Content-Encoding': encoding });

/** Returns a heartbeat in chunks, as `Transfer-Encoding: chunked` frames them, with `end` behind the last one. */
export function chunked(chunks: readonly string[], end = '0\r\n\r\n'): RawRequest {
  const framed = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`);
  return {
    ...request('POST', '/api/heartbeat', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }),
    body: [...framed, end],
    contentLength: undefined,
  };
}
