import { gzipSync } from 'node:zlib';
import { sessionId } from '../../support/session-id';
import { category, type Expected, GOOD_ORIGIN, type HostileRow, MARK, RESIDENT } from './hostile-row';
import type { RawRequest } from './raw-http';

const STRANGER = sessionId(2);

type Headers = Readonly<Record<string, string>>;
type Body = string | Uint8Array;

const JSON_TYPE = { 'Content-Type': 'application/json' };
const OK: Expected = { status: 200 };
const malformed: Expected = { status: 400, code: 'malformed-json' };
const invalid: Expected = { status: 400, code: 'invalid-body' };
const tooLarge: Expected = { status: 413, code: 'body-too-large' };
const foreignType: Expected = { status: 415, code: 'unsupported-media-type' };
const foreignEncoding: Expected = {
  status: 415,
  code: 'unsupported-content-encoding',
  headers: { 'Accept-Encoding': 'identity' },
};
const foreignOrigin: Expected = { status: 403, code: 'origin-not-allowed' };
/** Of an answer to the listed origin. */
const readable = { 'Access-Control-Allow-Origin': GOOD_ORIGIN, 'Access-Control-Allow-Credentials': 'true' };
/** Of an answer where every origin is listed. */
const readableByAll = { 'Access-Control-Allow-Origin': '*' };
const open = { variables: { ALLOWED_ORIGINS: '*' } };
const notFound: Expected = { status: 404, code: 'not-found' };
const upgradeRequired: Expected = { status: 426, code: 'upgrade-required' };
const notAllowed = (allow: string): Expected => ({
  status: 405,
  code: 'method-not-allowed',
  headers: { Allow: allow },
});

const request = (method: string, path: string, headers: Headers = {}, body: Body = ''): RawRequest => ({
  method,
  path,
  headers: Object.entries(headers),
  body: body.length === 0 ? [] : [body],
  contentLength: method === 'GET' || method === 'HEAD' ? undefined : String(Buffer.byteLength(body)),
});
const heartbeat = (body: Body, headers: Headers = JSON_TYPE) =>
  request('POST', '/api/heartbeat', headers, body);
const leave = (body: Body, headers: Headers = JSON_TYPE) => request('POST', '/api/leave', headers, body);
const beat = (more: object = {}) =>
  JSON.stringify({ sessionId: STRANGER, mood: 'presence', note: MARK, ...more });
/** Of somebody whom no other row has brought. */
const newcomer = beat({ sessionId: sessionId(3) });
const residentBeat = (more = '') => `{"sessionId":"${RESIDENT}","mood":"presence"${more}}`;

/** In chunks, as Transfer-Encoding: chunked frames them, with `end` behind the last one. */
function chunked(chunks: readonly string[], end = '0\r\n\r\n'): RawRequest {
  const framed = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`);
  return {
    ...request('POST', '/api/heartbeat', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }),
    body: [...framed, end],
    contentLength: undefined,
  };
}

const bytes = (...codes: number[]) => Uint8Array.from(codes);
const joined = (...parts: readonly Body[]) =>
  Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
const filled = (length: number) => {
  const body = residentBeat(`,"note":""`);
  return residentBeat(`,"note":"${'x'.repeat(length - body.length)}"`);
};
const from = (Origin: string) => ({ ...JSON_TYPE, Origin });
const upgrade = (headers: Headers = {}) =>
  request('GET', '/api/live', {
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  });
const preflight = (headers: Headers) =>
  request('OPTIONS', '/api/heartbeat', { 'Access-Control-Request-Method': 'POST', ...headers });
const typed = (type: string) => heartbeat(beat(), { 'Content-Type': type });
const encoded = (encoding: string, body: Body = beat()) =>
  heartbeat(body, { ...JSON_TYPE, 'Content-Encoding': encoding });
/** What no URL can have for a host, so that parsing it throws. */
const BAD_HOSTS = ['[::', 'a b', '%', 'x:99999', `xn--${'a'.repeat(20_000)}.x`];
const fromHost = (Host: string, headers: Headers = {}) =>
  heartbeat(residentBeat(), { ...JSON_TYPE, Host, ...headers });
/** U+00A0, which `\s` matches, in UTF-8. */
const NO_BREAK_SPACE = '\u00c2\u00a0';
/** A request with `length` characters of some kind in it, and one with eight times as many. */
const growing = (name: string, make: (length: number) => RawRequest, expected: Expected, length = 7_000) =>
  [`${name} takes linear time`, make(length), expected, { eightTimes: make(8 * length) }] as const;
const at = (address: string) => ({ ...JSON_TYPE, 'CF-Connecting-IP': address });

// biome-ignore format: one row, one line
export const HOSTILE_TABLE: readonly HostileRow[] = [
  ...category('bodies', [
    ['nothing', heartbeat(''), malformed],
    ['words', heartbeat(MARK), malformed],
    ['cut short', heartbeat(beat().slice(0, -1)), malformed],
    ['two documents', heartbeat(`${beat()}${beat()}`), malformed],
    ['a trailing comma', heartbeat(`{"sessionId":"${STRANGER}","mood":"presence",}`), malformed],
    ['single quotes', heartbeat(beat().replaceAll('"', "'")), malformed],
    ['a comment', heartbeat(`/* ${MARK} */ ${beat()}`), malformed],
    ['NaN', heartbeat(`{"sessionId":NaN,"mood":"presence"}`), malformed],
    ['a list', heartbeat(`[${beat()}]`), invalid],
    ['a string', heartbeat(JSON.stringify(beat())), invalid],
    ['a number', heartbeat('1e400'), invalid],
    ['null', heartbeat('null'), invalid],
    ['a form', heartbeat(`sessionId=${STRANGER}&mood=presence`), malformed],
  ]),
  ...category('encodings', [
    ['a byte that is not UTF-8', heartbeat(joined(`{"note":"`, bytes(0xff), `",${beat().slice(1)}`)), malformed],
    ['an overlong slash', heartbeat(joined(`{"note":"`, bytes(0xc0, 0xaf), `",${beat().slice(1)}`)), malformed],
    ['a surrogate in UTF-8', heartbeat(joined(`{"note":"`, bytes(0xed, 0xa0, 0x80), `",${beat().slice(1)}`)), malformed],
    ['UTF-16', heartbeat(Uint8Array.from(Buffer.from(beat(), 'utf16le'))), malformed],
    ['Latin-1', heartbeat(Uint8Array.from(Buffer.from(beat({ note: 'é' }), 'latin1'))), malformed],
    ['a character cut in two', heartbeat(joined(beat().slice(0, -2), bytes(0xe2, 0x82))), malformed],
    ['a compressed body gets 415', encoded('gzip', Uint8Array.from(gzipSync(beat()))), foreignEncoding],
    ['a body that only claims to be compressed gets 415', encoded('gzip'), foreignEncoding],
    ['a compressed body without Content-Encoding is no JSON', heartbeat(Uint8Array.from(gzipSync(beat()))), malformed],
    ['a body that is compressed twice gets 415', encoded('gzip, br'), foreignEncoding],
    ['one coding of two suffices for 415', encoded('identity, gzip'), foreignEncoding],
    ['a coding in capitals gets 415', encoded('GZIP'), foreignEncoding],
    ['an unknown coding gets 415', encoded(MARK), foreignEncoding],
    ['a leave in a coding gets 415', leave(beat(), { ...JSON_TYPE, 'Content-Encoding': 'br' }), foreignEncoding],
    ['the coding identity does no harm', encoded('Identity', residentBeat()), OK],
    ['an empty Content-Encoding does no harm', encoded('', residentBeat()), OK],
    ['a naked control character', heartbeat(beat({ note: '?' }).replace('?', '\u0000')), malformed],
    ['half a surrogate for an id', heartbeat(`{"sessionId":"\\ud800","mood":"presence"}`), invalid],
    ['a byte order mark is no harm', heartbeat(joined(bytes(0xef, 0xbb, 0xbf), residentBeat())), OK],
    ['a false charset is no harm', heartbeat(residentBeat(), { 'Content-Type': 'application/json; charset=utf-16' }), OK],
  ]),
  ...category('types', [
    ['a form', heartbeat(beat(), { 'Content-Type': 'application/x-www-form-urlencoded' }), foreignType],
    ['parts', heartbeat(beat(), { 'Content-Type': `multipart/form-data; boundary=${MARK}` }), foreignType],
    ['a page', heartbeat(beat(), { 'Content-Type': 'text/html' }), foreignType],
    ['two at once', typed('application/json, text/html'), foreignType],
    ['a parameter hides no second type', typed('application/json; charset=utf-8, text/html'), foreignType],
    ['a good second type excuses no first one', typed('text/html,application/json'), foreignType],
    ['an open quote excuses no first type', typed('text/html; a=", application/json'), foreignType],
    ['an escape at the end hides no type', typed('application/json, text/html; a="\\'), foreignType],
    ['the same type twice does no harm', heartbeat(residentBeat(), { 'Content-Type': 'application/json, application/json' }), OK],
    ['a comma in a quote does no harm', heartbeat(residentBeat(), { 'Content-Type': 'application/json; a="\\",b"' }), OK],
    ['bytes', leave(beat(), { 'Content-Type': 'application/octet-stream' }), foreignType],
    ['one that only begins well', heartbeat(beat(), { 'Content-Type': `application/json${MARK}` }), foreignType],
    ['none in it is no harm', heartbeat(residentBeat(), { 'Content-Type': ';;;' }), OK],
  ]),
  ...category('nesting', [
    ['500 lists', heartbeat('['.repeat(500) + ']'.repeat(500)), invalid],
    ['1,000 lists left open', heartbeat('['.repeat(1_000)), malformed],
    ['100 objects', heartbeat(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`), invalid],
    ['an id in a list', heartbeat(beat({ sessionId: [STRANGER] })), invalid],
    ['an id in an object', heartbeat(beat({ sessionId: { sessionId: STRANGER } })), invalid],
    ['the body in an object', heartbeat(`{"body":${beat()}}`), invalid],
    ['400 lists in a key that is ignored are no harm', heartbeat(residentBeat(`,"note":${'['.repeat(400)}${']'.repeat(400)}`)), OK],
  ]),
  ...category('sizes', [
    ['1,024 bytes are no harm', heartbeat(filled(1_024)), OK],
    ['1,025 bytes', heartbeat(filled(1_025)), tooLarge],
    ['16 KiB', heartbeat('x'.repeat(2 ** 14)), tooLarge],
    ['1 MiB', heartbeat('x'.repeat(2 ** 20)), 'refused by server'],
    ['a thousand lists too many', leave('['.repeat(5_000)), tooLarge],
    ['2 KiB of white space before it', heartbeat(' '.repeat(2_048) + residentBeat()), tooLarge],
    ['2 KiB that claim to be 10 GB', { ...heartbeat('x'.repeat(2_048)), contentLength: '10000000000' }, tooLarge],
    ['more than its length says', { ...heartbeat(beat()), contentLength: '20' }, malformed],
    ['less than its length says', { ...heartbeat(beat()), contentLength: '500', goesAway: true }, 'refused by server'],
    ['without a length', { ...heartbeat(beat()), contentLength: undefined }, malformed],
    ['a negative length', { ...heartbeat(beat()), contentLength: '-1' }, 'refused by server'],
    ['a length in words', { ...heartbeat(beat()), contentLength: MARK }, 'refused by server'],
    ['two lengths', { ...heartbeat(beat(), { ...JSON_TYPE, 'Content-Length': '7' }), contentLength: '8' }, 'refused by server'],
  ]),
  ...category('drips', [
    ['byte by byte is no harm', chunked([...residentBeat()]), OK],
    ['1,025 bytes in small chunks', chunked(filled(1_025).match(/.{1,50}/g) ?? []), tooLarge],
    ['without an end', chunked( Array.from({ length: 100 }, () => 'x'.repeat(20)), '', ), tooLarge],
    ['a chunk of 16 KiB', chunked(['x'.repeat(2 ** 14)]), tooLarge],
    ['a chunk of 1 MiB', chunked(['x'.repeat(2 ** 20)]), 'refused by server'],
    ['nothing', chunked([]), malformed],
    ['a valid body whose end never comes', { ...chunked([beat()], ''), goesAway: true }, 'refused by server'],
    ['a chunk that is shorter than it says', { ...chunked([], `ff\r\n${beat()}\r\n0\r\n\r\n`), goesAway: true }, 'refused by server'],
    ['a chunk size in words', { ...chunked([], `${MARK}\r\n${beat()}\r\n0\r\n\r\n`), goesAway: true }, 'refused by server'],
  ]),
  ...category('ids', [
    ['a name', heartbeat(beat({ sessionId: MARK })), invalid],
    ['none', heartbeat(`{"mood":"presence"}`), invalid],
    ['something behind it', heartbeat(beat({ sessionId: `${STRANGER}${MARK}` })), invalid],
    ['a line behind it', heartbeat(beat({ sessionId: `${STRANGER}\n` })), invalid],
    ['a space before it', heartbeat(beat({ sessionId: ` ${STRANGER}` })), invalid],
    ['in braces', heartbeat(beat({ sessionId: `{${STRANGER}}` })), invalid],
    ['as a URN', heartbeat(beat({ sessionId: `urn:uuid:${STRANGER}` })), invalid],
    ['without hyphens', heartbeat(beat({ sessionId: STRANGER.replaceAll('-', '') })), invalid],
    ['digits of another script', heartbeat(beat({ sessionId: STRANGER.replaceAll('0', '０') })), invalid],
    ['a number', heartbeat(beat({ sessionId: 2 })), invalid],
    ['null', leave(`{"sessionId":null}`), invalid],
    ['SQL', leave(JSON.stringify({ sessionId: `'; DROP TABLE journal; -- ${MARK}` })), invalid],
    ['another key of the store', leave(`{"sessionId":"presence:sessions:ams"}`), invalid],
  ]),
  ...category('moods', [
    ['none', heartbeat(`{"sessionId":"${STRANGER}"}`), invalid],
    ['another one', heartbeat(beat({ mood: MARK })), invalid],
    ['in capitals', heartbeat(beat({ mood: 'Presence' })), invalid],
    ['with a space', heartbeat(beat({ mood: 'presence ' })), invalid],
    ['empty', heartbeat(beat({ mood: '' })), invalid],
    ['null, as for one who has left', heartbeat(beat({ mood: null })), invalid],
    ['a number', heartbeat(beat({ mood: 1 })), invalid],
    ['a list of one', heartbeat(beat({ mood: ['presence'] })), invalid],
    ['a letter of another script', heartbeat(beat({ mood: 'prеsence' })), invalid],
    ['a thousand', heartbeat(beat({ mood: Array.from({ length: 200 }, () => 1) })), invalid],
  ]),
  ...category('prototypes', [
    ['a body that is all prototype', heartbeat(`{"__proto__":${beat()}}`), invalid],
    ['a mood from the prototype', heartbeat(`{"__proto__":{"mood":"presence"},"sessionId":"${STRANGER}"}`), invalid],
    ['a mood from the constructor', heartbeat(`{"constructor":{"prototype":{"mood":"presence"}},"sessionId":"${STRANGER}"}`), invalid],
    ['a mood that every object has', heartbeat(beat({ mood: 'toString' })), invalid],
    ['a mood that is a prototype', heartbeat(beat({ mood: '__proto__' })), invalid],
    ['an id that is a prototype', heartbeat(beat({ sessionId: '__proto__' })), invalid],
    ['a prototype that is ignored is no harm', heartbeat(residentBeat(`,"__proto__":{"count":9}`)), OK],
    ['nor are methods', heartbeat(residentBeat(`,"toJSON":1,"valueOf":2,"then":3`)), OK],
  ]),
  ...category('duplicate keys', [
    ['of two ids the last counts, and is none', heartbeat(`{"sessionId":"${STRANGER}","sessionId":"${MARK}","mood":"presence"}`), invalid],
    ['of two moods the last counts, and is none', heartbeat(`{"sessionId":"${STRANGER}","mood":"presence","mood":"${MARK}"}`), invalid],
    ['one of them in capitals', heartbeat(`{"SessionId":"${STRANGER}","mood":"presence"}`), invalid],
    ['one of them escaped', heartbeat(`{"mood":"presence","sessionId":"${STRANGER}","\\u0073essionId":"${MARK}"}`), invalid],
    ['the last of two ids is one: no harm', heartbeat(`{"sessionId":"${MARK}","sessionId":"${RESIDENT}","mood":"presence"}`), OK],
    ['the last of two moods is one: no harm', heartbeat(`{"sessionId":"${RESIDENT}","mood":"${MARK}","mood":"presence"}`), OK],
    ['a hundred', heartbeat(`{${'"mood":1,'.repeat(100)}"sessionId":"${STRANGER}"}`), invalid],
  ]),
  ...category('methods', [
    ['GET a heartbeat', request('GET', '/api/heartbeat'), notAllowed('POST, OPTIONS')],
    ['HEAD a heartbeat', request('HEAD', '/api/heartbeat'), { status: 405, headers: { Allow: 'POST, OPTIONS' } }],
    ['PUT a heartbeat', request('PUT', '/api/heartbeat', JSON_TYPE, beat()), notAllowed('POST, OPTIONS')],
    ['DELETE a session', request('DELETE', '/api/leave', JSON_TYPE, beat()), notAllowed('POST, OPTIONS')],
    ['PATCH the presence', request('PATCH', '/api/presence', JSON_TYPE, beat()), notAllowed('GET, HEAD, OPTIONS')],
    ['POST the presence', request('POST', '/api/presence', JSON_TYPE, beat()), notAllowed('GET, HEAD, OPTIONS')],
    ['POST the health', request('POST', '/health', JSON_TYPE, beat()), notAllowed('GET, HEAD, OPTIONS')],
    ['a method that overrides', heartbeat(residentBeat(), { ...JSON_TYPE, 'X-HTTP-Method-Override': 'DELETE' }), OK],
    ['a method that is none', request('BREATHE', '/api/heartbeat', JSON_TYPE, beat()), 'refused by server'],
  ]),
  ...category('paths', [
    ['nowhere', request('GET', `/${MARK}`), notFound],
    ['a script', request('GET', `/%3Cscript%3Ealert('${MARK}')%3C/script%3E`), notFound],
    ['a script as it stands', request('GET', `/<script>alert('${MARK}')</script>`), 'refused by server'],
    ['in capitals', request('POST', '/API/heartbeat', JSON_TYPE, beat()), notFound],
    ['with a slash behind it', request('POST', '/api/heartbeat/', JSON_TYPE, beat()), notFound],
    ['with two slashes', request('POST', '//api/heartbeat', JSON_TYPE, beat()), notFound],
    ['with a zero byte', request('POST', '/api/heartbeat%00', JSON_TYPE, beat()), notFound],
    ['with half an escape', request('GET', `/%ff%f${MARK}`), notFound],
    ['the secrets of another server', request('GET', '/.env'), notFound],
    ['out of the root', request('GET', '/../../etc/passwd'), notFound],
    ['8,000 characters', request('GET', `/${MARK.repeat(571)}`), notFound],
    ['a prototype', request('GET', '/__proto__'), notFound],
    ['a heartbeat in the query', request('POST', `/api/heartbeat?sessionId=${STRANGER}&mood=presence`, JSON_TYPE), malformed],
  ]),
  ...category('headers', [
    ['asks for a page', heartbeat(MARK, { ...JSON_TYPE, Accept: 'text/html' }), malformed],
    ['200 of them are no harm', heartbeat(residentBeat(), { ...JSON_TYPE, ...Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`X-${n}`, MARK])), }), OK],
    ['8 KB of one are no harm', heartbeat(residentBeat(), { ...JSON_TYPE, 'X-Note': 'x'.repeat(8_000) }), OK],
    ['two types', heartbeat(beat(), { ...JSON_TYPE, 'content-type': 'text/html' }), foreignType],
    ['a length and chunks, of which the chunks count: no harm', { ...chunked([residentBeat()]), contentLength: '7' }, OK],
    ['an encoding that nobody knows', heartbeat(beat(), { ...JSON_TYPE, 'Transfer-Encoding': MARK }), 'refused by server'],
    ['a line that is none', heartbeat(beat(), { ...JSON_TYPE, [`${MARK} ${MARK}`]: MARK }), 'refused by server'],
    ['another host is no harm', heartbeat(residentBeat(), { ...JSON_TYPE, Host: `${MARK}.example` }), OK],
    ['expects to be told to go on: no harm', heartbeat(residentBeat(), { ...JSON_TYPE, Expect: '100-continue' }), OK],
    ['part of an error', request('GET', `/${MARK}`, { Range: 'bytes=0-1', 'If-None-Match': '*' }), notFound],
  ]),
  ...category('origins', [
    ['another one', heartbeat(beat(), from('https://evil.example')), foreignOrigin],
    ['another one, without a preflight', heartbeat(beat(), { 'Content-Type': 'text/plain', Origin: 'https://evil.example' }), foreignOrigin],
    ['another one, a leave', leave(`{"sessionId":"${RESIDENT}"}`, from('https://evil.example')), foreignOrigin],
    ['another one, a look', request('GET', '/api/presence', { Origin: 'https://evil.example' }), foreignOrigin],
    ['another one, a preflight', request('OPTIONS', '/api/heartbeat', { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST', }), foreignOrigin],
    ['another one, a socket', upgrade({ Origin: 'https://evil.example' }), foreignOrigin],
    ['null', heartbeat(beat(), from('null')), foreignOrigin],
    ['null, a socket', upgrade({ Origin: 'null' }), foreignOrigin],
    ['none in it, which is as good as none: no harm', heartbeat(residentBeat(), from('')), OK],
    ['a longer domain', heartbeat(beat(), from(`${GOOD_ORIGIN}.evil.example`)), foreignOrigin],
    ['a longer domain, a socket', upgrade({ Origin: `${GOOD_ORIGIN}.evil.example` }), foreignOrigin],
    ['a longer name', heartbeat(beat(), from('https://evilgood.example')), foreignOrigin],
    ['a subdomain', heartbeat(beat(), from('https://www.good.example')), foreignOrigin],
    ['a user who looks like it', heartbeat(beat(), from(`${GOOD_ORIGIN}@evil.example`)), foreignOrigin],
    ['a path behind it', heartbeat(beat(), from(`${GOOD_ORIGIN}/${MARK}`)), foreignOrigin],
    ['a dot behind it', heartbeat(beat(), from(`${GOOD_ORIGIN}.`)), foreignOrigin],
    ['another port', heartbeat(beat(), from(`${GOOD_ORIGIN}:8443`)), foreignOrigin],
    ['another scheme', heartbeat(beat(), from('http://good.example')), foreignOrigin],
    ['in capitals, as no browser writes it', heartbeat(beat(), from(GOOD_ORIGIN.toUpperCase())), foreignOrigin],
    ['two of them', heartbeat(beat(), from(`${GOOD_ORIGIN}, https://evil.example`)), foreignOrigin],
    ['the listed one', heartbeat(residentBeat(), from(GOOD_ORIGIN)), { status: 200, headers: readable }],
    ['the listed origin may read errors', heartbeat('', from(GOOD_ORIGIN)), { status: 400, code: 'malformed-json', headers: readable }],
    ['the listed one, a preflight', preflight({ Origin: GOOD_ORIGIN }), { status: 204, headers: { ...readable, Vary: 'Origin, Access-Control-Request-Headers' } }],
    ['the listed origin may send the headers that it asks for', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': 'authorization,x-note' }), { status: 204, headers: { ...readable, 'Access-Control-Allow-Headers': 'Content-Type,Authorization,x-note' } }],
    ['a preflight repeats nothing but names of headers', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': `<${MARK}>` }), { status: 204, headers: { 'Access-Control-Allow-Headers': 'Content-Type,Authorization' } }],
    ['a preflight repeats no thousand headers', preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': `${MARK},`.repeat(1_000) }), { status: 204, headers: { 'Access-Control-Allow-Headers': 'Content-Type,Authorization' } }],
    ['a preflight without an origin allows no credentials', preflight({}), { status: 204 }],
    ['an open service allows no credentials', heartbeat(residentBeat(), from('https://evil.example')), { status: 200, headers: readableByAll }, open],
    ['a preflight of an open service allows no credentials', preflight({ Origin: 'https://evil.example', 'Access-Control-Request-Headers': MARK }), { status: 204, headers: { ...readableByAll, 'Access-Control-Allow-Headers': 'Content-Type,Authorization,*' } }, open],
    ['the page of the same host passes', fromHost('own.example', { Origin: 'http://own.example' }), OK],
    ['the page of the same host passes behind a proxy that ends TLS', fromHost('own.example', { Origin: 'https://own.example' }), OK],
    ['the page of the same host and port passes behind a proxy that ends TLS', fromHost('own.example:8443', { Origin: 'https://own.example:8443' }), OK],
    ['a page of another port of the same host is foreign', fromHost('own.example', { Origin: 'https://own.example:8443' }), foreignOrigin],
    ['a page of another scheme of the same host is foreign', fromHost('own.example', { Origin: 'app://own.example' }), foreignOrigin],
    ['headers that a client can send name no own host', fromHost('own.example', { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil.example;proto=https' }), foreignOrigin],
  ]),
  ...category('hosts', BAD_HOSTS.flatMap((host) => [
    [`a foreign origin is refused with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: 'https://evil.example' }), foreignOrigin],
    [`an origin that repeats the host is refused with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: `http://${host}` }), foreignOrigin],
    [`the listed origin passes with the host ${host.slice(0, 9)}`, fromHost(host, { Origin: GOOD_ORIGIN }), OK],
    [`a body of another type is read with the host ${host.slice(0, 9)}`, fromHost(host, { 'Content-Type': 'application/ld+json' }), OK],
    [`an unknown path gets 404 with the host ${host.slice(0, 9)}`, request('GET', `/${MARK}%`, { Host: host }), notFound],
    [`another method gets 405 with the host ${host.slice(0, 9)}`, request('PUT', '/api/leave', { Host: host }), notAllowed('POST, OPTIONS')],
    [`a socket opens with the host ${host.slice(0, 9)}`, upgrade({ Host: host }), { status: 101 }],
  ] as const)),
  ...category('costs', [
    growing('white space for a type', (length) => typed(`${NO_BREAK_SPACE.repeat(length)}x`), foreignType),
    growing('white space behind a type', (length) => typed(`application/json${NO_BREAK_SPACE.repeat(length)}x`), foreignType),
    growing('a long type', (length) => typed(`a/${'a'.repeat(length)}`), foreignType),
    growing('a type with many endings', (length) => typed(`a/${'+json'.repeat(length / 5)}x`), foreignType),
    growing('a type of slashes', (length) => typed('/'.repeat(length)), foreignType),
    growing('many types', (length) => typed(`${'a/b+json,'.repeat(length / 9)}x`), foreignType),
    growing('many quotes in a type', (length) => typed(`${'"'.repeat(length)}x`), foreignType),
    growing('many parameters of a type', (length) => typed(`application/json${';a=b'.repeat(length / 4)},x`), foreignType),
    growing('white space for an encoding', (length) => encoded(`${NO_BREAK_SPACE.repeat(length)}x`), foreignEncoding),
    growing('many encodings', (length) => encoded(`${'identity,'.repeat(length / 9)}x`), foreignEncoding),
    growing('a long origin', (length) => heartbeat(beat(), from(`https://${'a.'.repeat(length / 2)}x`)), foreignOrigin),
    growing('white space in an origin', (length) => heartbeat(beat(), from(`https://${NO_BREAK_SPACE.repeat(length)}x`)), foreignOrigin),
    growing('a long host', (length) => fromHost(`${'a.'.repeat(length / 2)}x`, { Origin: 'https://evil.example' }), foreignOrigin),
    growing('a host in other letters', (length) => fromHost(`${'xn--a.'.repeat(length / 6)}x`, { Origin: 'https://evil.example' }), foreignOrigin),
    growing('a path of slashes', (length) => request('GET', '/'.repeat(length)), notFound),
    growing('a path of dots', (length) => request('GET', `/${'../'.repeat(length / 3)}${MARK}`), notFound),
    growing('a path of escapes', (length) => request('GET', `/${'%25'.repeat(length / 3)}`), notFound),
    growing('a path of half escapes', (length) => request('GET', `/${'%'.repeat(length)}`), notFound),
    growing('a path of escapes that are no UTF-8', (length) => request('GET', `/${'%c3x'.repeat(length / 4)}`), notFound),
    growing('a long query', (length) => request('PUT', `/api/presence?${'&='.repeat(length / 2)}`), notAllowed('GET, HEAD, OPTIONS')),
    growing('a long protocol to upgrade to', (length) => request('GET', '/api/live', { Upgrade: NO_BREAK_SPACE.repeat(length) }), upgradeRequired),
    growing('an address of colons', (length) => heartbeat(residentBeat(), at(':'.repeat(length))), OK),
    growing('an address of dots', (length) => heartbeat(residentBeat(), at('.'.repeat(length))), OK),
    growing('many headers to ask for', (length) => preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': 'a,'.repeat(length / 2) }), { status: 204 }),
    growing('white space to ask for', (length) => preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': ' '.repeat(length) }), { status: 204 }),
    growing('a body of white space', (length) => heartbeat(' '.repeat(length)), malformed, 128),
    growing('a body of lists', (length) => heartbeat('['.repeat(length)), malformed, 128),
    growing('a long id', (length) => heartbeat(beat({ sessionId: '0-'.repeat(length / 2) })), invalid, 112),
  ]),
  ...category('sockets', [
    ['none', request('GET', '/api/live'), upgradeRequired],
    ['another protocol', request('GET', '/api/live', { Upgrade: MARK }), upgradeRequired],
    ['HEAD', request('HEAD', '/api/live', { Upgrade: 'websocket' }), { status: 426 }],
    ['POST', request('POST', '/api/live', { Upgrade: 'websocket' }), notAllowed('GET, HEAD, OPTIONS')],
    ['where there are none', upgrade(), { status: 404, code: 'no-live-sockets' }, { variables: { PRESENCE_HUB: 'kv' } }],
    ['words', { messages: [MARK] }, { closeCode: 1008 }],
    ['an empty message', { messages: [''] }, { closeCode: 1008 }],
    ['bytes', { messages: [bytes(1, 2, 3)] }, { closeCode: 1008 }],
    ['more than 1 KiB', { messages: ['x'.repeat(1_025)] }, { closeCode: 1009 }],
    ['more than 1 KiB, of letters that take two bytes', { messages: ['é'.repeat(600)] }, { closeCode: 1009 }],
    ['1 MB', { messages: ['x'.repeat(1_000_000)] }, { closeCode: 1009 }],
    ['a mood before it has joined', { messages: [`{"mood":"presence"}`] }, { closeCode: 1008 }],
    ['another mood', { messages: [beat({ mood: MARK })] }, { closeCode: 1008 }],
    ['an id that is none', { messages: [beat({ sessionId: MARK })] }, { closeCode: 1008 }],
    ['another id than the one that it has joined with', { messages: [beat(), beat({ sessionId: sessionId(4) })] }, { closeCode: 1008 }],
    ['a prototype', { messages: [`{"__proto__":${beat()}}`] }, { closeCode: 1008 }],
    ['21 messages at once', { messages: Array.from({ length: 21 }, () => beat()) }, { closeCode: 1008 }],
  ]),
  ...category('new sessions', [
    ['over the limit of a network', heartbeat(newcomer, at('192.0.2.1')), { status: 429, code: 'too-many-new-sessions', headers: { 'Retry-After': '60' } }, { before: newcomers(1, at('192.0.2.1')) }],
    ['from many addresses of one IPv6 network', heartbeat(newcomer, at('2001:db8:0:7:ffff::')), { status: 429, code: 'too-many-new-sessions' }, { before: newcomers(2, at('2001:db8:0:7::1')) }],
    ['with made-up addresses before it', heartbeat(newcomer, { ...at('192.0.2.3'), 'X-Forwarded-For': '198.51.100.1' }), { status: 429, code: 'too-many-new-sessions' }, { before: newcomers(3, at('192.0.2.3')) }],
    ['sockets over the limit', upgrade({ 'CF-Connecting-IP': '192.0.2.4' }), { status: 429, code: 'too-many-new-sessions' }, { before: newcomers(4, at('192.0.2.4')) }],
    ['known ones over the limit are counted', heartbeat(residentBeat(), at('192.0.2.5')), OK, { before: newcomers(5, at('192.0.2.5')) }],
    ['where there is no room for them', heartbeat(newcomer), { status: 503, code: 'full', headers: { 'Retry-After': '10' } }, { variables: { SESSIONS_MAX: '1' } }],
    ['known ones where there is no room are counted', heartbeat(residentBeat()), OK, { variables: { SESSIONS_MAX: '1' } }],
  ]),
];

/** As many new sessions as one network may bring here in a minute, and others in every row. */
function newcomers(row: number, headers: Headers): readonly RawRequest[] {
  const ids = [sessionId(10 * row), sessionId(10 * row + 1)];
  return ids.map((id) => heartbeat(JSON.stringify({ sessionId: id, mood: 'release' }), headers));
}
