import { sessionId } from '../../support/session-id';
import { BODY_ROWS } from './body-rows';
import { CHANNEL_NAME_ROWS } from './channel-name-rows';
import { CHANNEL_ROWS } from './channel-rows';
import { HISTORY_ROWS } from './history-rows';
import {
  ABSENT_ID,
  absentBody,
  at,
  chunked,
  encoded,
  foreignEncoding,
  foreignOrigin,
  foreignType,
  from,
  fromHost,
  growing,
  type Headers,
  heartbeat,
  invalid,
  JSON_TYPE,
  leave,
  malformed,
  notAllowed,
  notFound,
  OK,
  preflight,
  presentBody,
  request,
  typed,
  upgrade,
  upgradeRequired,
} from './hostile-requests';
import { category, GOOD_ORIGIN, type HostileRow, MARK } from './hostile-row';
import { ORIGIN_ROWS } from './origin-rows';
import type { RawRequest } from './raw-http';

/** The body of a session that no other row starts. */
const newSessionBody = absentBody({ sessionId: sessionId(3) });
/** U+00A0, which `\s` matches, in UTF-8. */
const NO_BREAK_SPACE = '\u00c2\u00a0';

// biome-ignore format: one row, one line
export const HOSTILE_TABLE: readonly HostileRow[] = [
  ...BODY_ROWS,
  ...category('methods', [
    ['GET sends no heartbeat', request('GET', '/api/heartbeat'), notAllowed('POST, OPTIONS')],
    ['HEAD sends no heartbeat', request('HEAD', '/api/heartbeat'), { status: 405, headers: { Allow: 'POST, OPTIONS' } }],
    ['PUT sends no heartbeat', request('PUT', '/api/heartbeat', JSON_TYPE, absentBody()), notAllowed('POST, OPTIONS')],
    ['DELETE ends no session', request('DELETE', '/api/leave', JSON_TYPE, absentBody()), notAllowed('POST, OPTIONS')],
    ['PATCH reads no presence', request('PATCH', '/api/presence', JSON_TYPE, absentBody()), notAllowed('GET, HEAD, OPTIONS')],
    ['POST reads no presence', request('POST', '/api/presence', JSON_TYPE, absentBody()), notAllowed('GET, HEAD, OPTIONS')],
    ['POST reads no health', request('POST', '/health', JSON_TYPE, absentBody()), notAllowed('GET, HEAD, OPTIONS')],
    ['X-HTTP-Method-Override is ignored', heartbeat(presentBody(), { ...JSON_TYPE, 'X-HTTP-Method-Override': 'DELETE' }), OK],
    ['an unknown method is refused by the server', request('BREATHE', '/api/heartbeat', JSON_TYPE, absentBody()), 'refused by server'],
  ]),
  ...category('paths', [
    ['an unknown path gets 404', request('GET', `/${MARK}`), notFound],
    ['an encoded script in the path gets 404', request('GET', `/%3Cscript%3Ealert('${MARK}')%3C/script%3E`), notFound],
    ['a raw script in the path is refused by the server', request('GET', `/<script>alert('${MARK}')</script>`), 'refused by server'],
    ['a path in capitals gets 404', request('POST', '/API/heartbeat', JSON_TYPE, absentBody()), notFound],
    ['a path with a slash behind it gets 404', request('POST', '/api/heartbeat/', JSON_TYPE, absentBody()), notFound],
    ['a path with two slashes gets 404', request('POST', '//api/heartbeat', JSON_TYPE, absentBody()), notFound],
    ['a path with a zero byte gets 404', request('POST', '/api/heartbeat%00', JSON_TYPE, absentBody()), notFound],
    ['a path with half an escape gets 404', request('GET', `/%ff%f${MARK}`), notFound],
    ['a path to a file with secrets gets 404', request('GET', '/.env'), notFound],
    ['a path out of the root gets 404', request('GET', '/../../etc/passwd'), notFound],
    ['a path of 8,000 characters gets 404', request('GET', `/${MARK.repeat(571)}`), notFound],
    ['a prototype for a path gets 404', request('GET', '/__proto__'), notFound],
    ['a heartbeat in the query is malformed', request('POST', `/api/heartbeat?sessionId=${ABSENT_ID}&mood=presence`, JSON_TYPE), malformed],
  ]),
  ...category('headers', [
    ['a request that accepts a page gets a problem in JSON', heartbeat(MARK, { ...JSON_TYPE, Accept: 'text/html' }), malformed],
    ['200 headers are accepted', heartbeat(presentBody(), { ...JSON_TYPE, ...Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`X-${n}`, MARK])), }), OK],
    ['a header of 8,000 bytes is accepted', heartbeat(presentBody(), { ...JSON_TYPE, 'X-Note': 'x'.repeat(8_000) }), OK],
    ['a second Content-Type header is refused', heartbeat(absentBody(), { ...JSON_TYPE, 'content-type': 'text/html' }), foreignType],
    ['a body with a length and chunks is read by its chunks', { ...chunked([presentBody()]), contentLength: '7' }, OK],
    ['an unknown Transfer-Encoding is refused by the server', heartbeat(absentBody(), { ...JSON_TYPE, 'Transfer-Encoding': MARK }), 'refused by server'],
    ['a header line with a space in its name is refused by the server', heartbeat(absentBody(), { ...JSON_TYPE, [`${MARK} ${MARK}`]: MARK }), 'refused by server'],
    ['another host is accepted', heartbeat(presentBody(), { ...JSON_TYPE, Host: `${MARK}.example` }), OK],
    ['a request with Expect: 100-continue is accepted', heartbeat(presentBody(), { ...JSON_TYPE, Expect: '100-continue' }), OK],
    ['a range of a problem gets the whole problem', request('GET', `/${MARK}`, { Range: 'bytes=0-1', 'If-None-Match': '*' }), notFound],
  ]),
  ...ORIGIN_ROWS,
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
    growing('a long origin', (length) => heartbeat(absentBody(), from(`https://${'a.'.repeat(length / 2)}x`)), foreignOrigin),
    growing('white space in an origin', (length) => heartbeat(absentBody(), from(`https://${NO_BREAK_SPACE.repeat(length)}x`)), foreignOrigin),
    growing('a long host', (length) => fromHost(`${'a.'.repeat(length / 2)}x`, { Origin: 'https://evil.example' }), foreignOrigin),
    growing('a host in other letters', (length) => fromHost(`${'xn--a.'.repeat(length / 6)}x`, { Origin: 'https://evil.example' }), foreignOrigin),
    growing('a path of slashes', (length) => request('GET', '/'.repeat(length)), notFound),
    growing('a path of dots', (length) => request('GET', `/${'../'.repeat(length / 3)}${MARK}`), notFound),
    growing('a path of escapes', (length) => request('GET', `/${'%25'.repeat(length / 3)}`), notFound),
    growing('a path of half escapes', (length) => request('GET', `/${'%'.repeat(length)}`), notFound),
    growing('a path of escapes that are no UTF-8', (length) => request('GET', `/${'%c3x'.repeat(length / 4)}`), notFound),
    growing('a long query', (length) => request('PUT', `/api/presence?${'&='.repeat(length / 2)}`), notAllowed('GET, HEAD, OPTIONS')),
    growing('a long protocol to upgrade to', (length) => request('GET', '/api/live', { Upgrade: NO_BREAK_SPACE.repeat(length) }), upgradeRequired),
    growing('an address of colons', (length) => heartbeat(presentBody(), at(':'.repeat(length))), OK),
    growing('an address of dots', (length) => heartbeat(presentBody(), at('.'.repeat(length))), OK),
    growing('a preflight that requests many headers', (length) => preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': 'a,'.repeat(length / 2) }), { status: 204 }),
    growing('a preflight that requests white space', (length) => preflight({ Origin: GOOD_ORIGIN, 'Access-Control-Request-Headers': ' '.repeat(length) }), { status: 204 }),
    growing('a body of white space', (length) => heartbeat(' '.repeat(length)), malformed, 128),
    growing('a body of lists', (length) => heartbeat('['.repeat(length)), malformed, 128),
    growing('a long id', (length) => heartbeat(absentBody({ sessionId: '0-'.repeat(length / 2) })), invalid, 112),
  ]),
  ...category('sockets', [
    ['a request without an upgrade gets 426', request('GET', '/api/live'), upgradeRequired],
    ['an upgrade to another protocol gets 426', request('GET', '/api/live', { Upgrade: MARK }), upgradeRequired],
    ['a HEAD request opens no socket', request('HEAD', '/api/live', { Upgrade: 'websocket' }), { status: 426 }],
    ['a POST request opens no socket', request('POST', '/api/live', { Upgrade: 'websocket' }), notAllowed('GET, HEAD, OPTIONS')],
    ['a service on KV opens no socket', upgrade(), { status: 404, code: 'no-live-sockets' }, { variables: { PRESENCE_HUB: 'kv' } }],
    ['a socket that sends words is closed', { messages: [MARK] }, { closeCode: 1008 }],
    ['a socket that sends an empty message is closed', { messages: [''] }, { closeCode: 1008 }],
    ['a socket that sends bytes is closed', { messages: [Uint8Array.of(1, 2, 3)] }, { closeCode: 1008 }],
    ['a socket that sends 1,025 bytes is closed', { messages: ['x'.repeat(1_025)] }, { closeCode: 1009 }],
    ['a socket that sends 600 letters of two bytes is closed', { messages: ['é'.repeat(600)] }, { closeCode: 1009 }],
    ['a socket that sends 1 MB is closed', { messages: ['x'.repeat(1_000_000)] }, { closeCode: 1009 }],
    ['a socket that sends a mood before an id is closed', { messages: [`{"mood":"presence"}`] }, { closeCode: 1008 }],
    ['a socket that sends an unknown mood is closed', { messages: [absentBody({ mood: MARK })] }, { closeCode: 1008 }],
    ['a socket that sends an invalid id is closed', { messages: [absentBody({ sessionId: MARK })] }, { closeCode: 1008 }],
    ['a socket that sends a second id is closed', { messages: [absentBody(), absentBody({ sessionId: sessionId(4) })] }, { closeCode: 1008 }],
    ['a socket that sends a heartbeat as a prototype is closed', { messages: [`{"__proto__":${absentBody()}}`] }, { closeCode: 1008 }],
    ['a socket that sends 21 messages at once is closed', { messages: Array.from({ length: 21 }, () => absentBody()) }, { closeCode: 1008 }],
  ]),
  ...category('new sessions', [
    ['a new session over the limit of its network gets 429', heartbeat(newSessionBody, at('192.0.2.1')), { status: 429, code: 'too-many-new-sessions', headers: { 'Retry-After': '60' } }, { before: newSessions(1, at('192.0.2.1')) }],
    ['a new session over the limit of its IPv6 network gets 429', heartbeat(newSessionBody, at('2001:db8:0:7:ffff::')), { status: 429, code: 'too-many-new-sessions' }, { before: newSessions(2, at('2001:db8:0:7::1')) }],
    ['a new session with X-Forwarded-For over the limit gets 429', heartbeat(newSessionBody, { ...at('192.0.2.3'), 'X-Forwarded-For': '198.51.100.1' }), { status: 429, code: 'too-many-new-sessions' }, { before: newSessions(3, at('192.0.2.3')) }],
    ['a socket over the limit of its network gets 429', upgrade({ 'CF-Connecting-IP': '192.0.2.4' }), { status: 429, code: 'too-many-new-sessions' }, { before: newSessions(4, at('192.0.2.4')) }],
    ['a known session counts over the limit of its network', heartbeat(presentBody(), at('192.0.2.5')), OK, { before: newSessions(5, at('192.0.2.5')) }],
    ['a session that left and returns counts over the limit of its network', heartbeat(presentBody()), OK, { before: [...newSessions(6, at('192.0.2.6')), leave(JSON.stringify({ sessionId: sessionId(60) })), ...newSessions(6, at('192.0.2.6'))] }],
    ['a new session gets 503 at a full replica', heartbeat(newSessionBody), { status: 503, code: 'full', headers: { 'Retry-After': '10' } }, { variables: { SESSIONS_MAX: '1' } }],
    ['a known session counts at a full replica', heartbeat(presentBody()), OK, { variables: { SESSIONS_MAX: '1' } }],
  ]),
  ...CHANNEL_NAME_ROWS,
  ...CHANNEL_ROWS,
  ...HISTORY_ROWS,
];

/** Returns as many heartbeats of new sessions as one network may send in a minute. Each row has its own sessions. */
function newSessions(row: number, headers: Headers): readonly RawRequest[] {
  const ids = [sessionId(10 * row), sessionId(10 * row + 1)];
  return ids.map((id) => heartbeat(JSON.stringify({ sessionId: id, mood: 'release' }), headers));
}
