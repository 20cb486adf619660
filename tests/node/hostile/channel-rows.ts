import { gzipSync } from 'node:zlib';
import { sessionId } from '../../support/session-id';
import {
  ABSENT_ID,
  absentBody,
  at,
  type Body,
  filled,
  foreignEncoding,
  foreignOrigin,
  foreignType,
  from,
  growing,
  type Headers,
  invalid,
  JSON_TYPE,
  malformed,
  notAllowed,
  notFound,
  OK,
  preflight,
  presentBody,
  request,
  tooLarge,
  upgrade,
  upgradeRequired,
} from './hostile-requests';
import { category, type Expected, GOOD_ORIGIN, type HostileRow, MARK } from './hostile-row';

const listed = { variables: { CHANNELS: 'lobby, hall, post-*' } };
const any = { variables: { CHANNELS: '*' } };
/** The setting allows one channel besides the listed ones. */
const few = { variables: { CHANNELS: 'lobby, hall, post-*', CHANNELS_MAX: '1' } };
const kv = { variables: { PRESENCE_HUB: 'kv' } };

const noChannels: Expected = { status: 404, code: 'no-channels' };
const unknown: Expected = { status: 404, code: 'unknown-channel' };
const overLimit: Expected = {
  status: 429,
  code: 'too-many-new-sessions',
  headers: { 'Retry-After': '60' },
};
const full: Expected = { status: 503, code: 'full', headers: { 'Retry-After': '10' } };
const noName = (pointer = '#/channel'): Expected => ({
  status: 400,
  code: 'invalid-channel',
  body: `"pointer":"${pointer}"`,
});
const counts = (body: string): Expected => ({ status: 200, body });

const heartbeat = (channel: string, body: Body = absentBody(), headers: Headers = JSON_TYPE) =>
  request('POST', `/api/channels/${channel}/heartbeat`, headers, body);
const leave = (channel: string, body: Body = absentBody(), headers: Headers = JSON_TYPE) =>
  request('POST', `/api/channels/${channel}/leave`, headers, body);
const presence = (channel: string, headers: Headers = {}) =>
  request('GET', `/api/channels/${channel}/presence`, headers);
const live = (channel: string, headers: Headers = {}) => upgrade(headers, `/api/channels/${channel}/live`);
const query = (text: string, headers: Headers = {}) => request('GET', `/api/channels${text}`, headers);
const heartbeatInDefault = (body: Body, headers: Headers = JSON_TYPE) =>
  request('POST', '/api/heartbeat', headers, body);
/** Returns the id of a session that no other row has. */
const newSessionId = (n: number) => sessionId(1_000 + n);
const newSessionBody = (n: number) => JSON.stringify({ sessionId: newSessionId(n), mood: 'release' });
const newSession = (channel: string, n: number, headers: Headers = JSON_TYPE) =>
  heartbeat(channel, newSessionBody(n), headers);

/** `URL` resolves a path with dots for a name to `/api/heartbeat`. */
const RESOLVED = new URL('http://localhost/api/channels/%2e%2e/heartbeat').pathname;
const LONGEST = `post-${'x'.repeat(59)}`;
const UNICODE = 'caf\u00e9';
const UNICODE_RAW = Buffer.from(UNICODE).toString('latin1');
const METHODS = Object.getOwnPropertyNames(Object.prototype).filter((name) => /^[a-z]/i.test(name));
const times = (count: number, name: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => name(n));
const EMPTY = '"count":0,"moods":{"gratitude":0,"presence":0,"release":0,"connection":0}';
const ONE = '"count":1,"moods":{"gratitude":0,"presence":1,"release":0,"connection":0}';
const TWO = '"count":2,"moods":{"gratitude":0,"presence":1,"release":1,"connection":0}';

/** Requests to channels. The session PRESENT_ID is in the default channel and in `lobby`. */
// biome-ignore format: one row, one line
export const CHANNEL_ROWS: readonly HostileRow[] = [
  ...category('channels', [
    // workerd and Hono keep the path of the client, so dots are a wrong name. Browsers, `wrangler dev` and other proxies resolve the dots
    // first. Then the default channel gets the request. This is safe, because each client may send to that path directly.
    ['a client that resolves two dots gets the default channel', request('POST', RESOLVED, JSON_TYPE, presentBody()), counts(ONE)],
    ['two dots are no name', heartbeat('..'), noName()],
    ['one dot is no name', heartbeat('.'), noName()],
    ['two encoded dots are no name', heartbeat('%2e%2e'), noName()],
    ['two dots of which one is encoded are no name', presence('.%2E'), noName()],
    ['dots that are encoded twice are no name', presence('%252e%252e'), noName()],
    ['dots behind a name reach no other path', request('GET', '/api/channels/lobby/../post-1/presence'), notFound],
    ['a backslash is no slash', presence('lobby\\..\\post-1'), noName()],
    ['an encoded slash stays in the name', presence('lobby%2Fpost-1'), noName()],
    ['two encoded dots and a slash reach no other path', presence('..%2F..'), noName()],
    ['a zero byte is no name', heartbeat('%00'), noName()],
    ['a zero byte behind a name is refused', presence('lobby%00'), noName()],
    ['a line feed behind a name is refused', presence('lobby%0A'), noName()],
    ['a carriage return before a name is refused', presence('%0Dlobby'), noName()],
    ['a space behind a name is refused', presence('lobby%20'), noName()],
    ['a plus in a name is refused', presence('lobby+'), noName()],
    ['a name in raw UTF-8 is refused by the server', presence(UNICODE_RAW), 'refused by server'],
    ['a name in encoded UTF-8 is refused', presence(encodeURIComponent(UNICODE)), noName()],
    ['a letter of another script in a name is refused', presence(encodeURIComponent('lоbby')), noName()],
    ['full-width letters in a name are refused', presence(encodeURIComponent('ｌｏｂｂｙ')), noName()],
    ['a name of bytes that are no UTF-8 is refused', presence('%ff%f'), noName()],
    ['a name of 65 characters is refused', presence(`${LONGEST}x`), noName()],
    ['a name of 64 characters is accepted', presence(LONGEST), counts(EMPTY)],
    ['a name of 8,000 characters is refused', heartbeat(MARK.repeat(571)), noName()],
    ['a wrong name is not repeated', heartbeat(`${MARK}!`), noName()],
    ['a script for a name is refused', presence(`%3Cscript%3E${MARK}`), noName()],
    ['SQL for a name is refused', presence(`%27;DROP%20TABLE%20journal;--${MARK}`), noName()],
    ['a name with a leading dot is refused', presence('.lobby'), noName()],
    ['a name with a leading hyphen is refused', presence('-lobby'), noName()],
    ['a name with a leading underscore is refused', presence('_lobby'), noName()],
    ['a prefix of the setting is no name', presence('post-*'), noName()],
    ['a prototype is no name', heartbeat('__proto__'), noName()],
    ['a prototype with an encoded letter is no name', heartbeat('__%70roto__'), noName()],
    ['an empty name is no path', presence(''), notFound],
    ['an empty name at the end is no path', query('/'), notFound],
    ['a name without an action is no path', query('/lobby'), notFound],
    ['a slash behind the path is another path', request('POST', '/api/channels/lobby/heartbeat/', JSON_TYPE, presentBody()), notFound],
    ['dots behind the path are another path', request('POST', '/api/channels/lobby/heartbeat/../leave', JSON_TYPE, presentBody()), notFound],
    ['two slashes before the name are another path', presence('/lobby'), notFound],
    ['two slashes behind the name are another path', presence('lobby/'), notFound],
    ['two slashes before the path are another path', request('GET', '//api/channels/lobby/presence'), notFound],
    ['a path in capitals is another path', request('GET', '/api/Channels/lobby/presence'), notFound],
    ['a session id in the path does nothing', request('POST', `/api/channels/lobby/${ABSENT_ID}/heartbeat`, JSON_TYPE, absentBody()), notFound],
    ['the start of a listed name is unknown', presence('lobb'), unknown],
    ['a longer name than a listed one is unknown', heartbeat('lobby2'), unknown],
    ['another case than that of a listed name is unknown', heartbeat('Lobby'), unknown],
    ['another case than that of a prefix is unknown', heartbeat('Post-1'), unknown],
    ['a method of objects is unknown if it is not listed', heartbeat('constructor'), unknown],
    ['an unknown name is not repeated', heartbeat(MARK), unknown],
    ['a parameter behind a name is part of it', presence('lobby;v=1'), noName()],
    ['an encoded letter of a listed name is that letter', heartbeat('l%6Fbby', presentBody()), counts(ONE)],
    ['a channel in the query does nothing', request('GET', '/api/presence?channel=lobby&names=lobby'), counts(ONE)],
    ['a channel in the body does nothing', heartbeat('lobby', presentBody(',"channel":"post-1"')), counts(ONE)],

    ['a session counts in its channel', presence('lobby'), counts(TWO), { before: [newSession('lobby', 1)] }],
    ['a session of a channel does not count in the default one', request('GET', '/api/presence'), counts(ONE), { before: [newSession('lobby', 2)] }],
    ['a session of a channel does not count in another one', presence('post-2'), counts(EMPTY), { before: [newSession('lobby', 3)] }],
    ['a session of the default channel does not count in a named one', presence('lobby'), counts(ONE), { before: [heartbeatInDefault(newSessionBody(4))] }],
    ['a leave in a channel ends no session of the default one', request('GET', '/api/presence'), counts(TWO), { before: [heartbeatInDefault(newSessionBody(5)), leave('post-2', newSessionBody(5))] }],
    ['a leave in a channel ends no session of another one', presence('lobby'), counts(TWO), { before: [newSession('lobby', 6), leave('post-2', newSessionBody(6))] }],
    ['a leave in the default channel ends no session of a named one', presence('lobby'), counts(TWO), { before: [newSession('lobby', 7), request('POST', '/api/leave', JSON_TYPE, newSessionBody(7))] }],
    ['a key of the store is no session id', heartbeat('lobby', absentBody({ sessionId: `lobby/${ABSENT_ID}` })), invalid],
    ['a key of the store is no session id of the default channel', heartbeatInDefault(absentBody({ sessionId: `lobby/${ABSENT_ID}` })), invalid],
    ['200 unknown names change no count', { flood: times(200, (n) => `yard-${n}`).map((name) => heartbeat(name)) }, unknown],
    ['200 wrong names change no count', { flood: times(200, (n) => `-${n}`).map((name) => heartbeat(name)) }, noName()],

    ['a request without a query is refused', query(''), noName('#/names')],
    ['an empty query is refused', query('?'), noName('#/names')],
    ['an empty list is refused', query('?names='), noName('#/names/0')],
    ['an empty name in a list is refused', query('?names=lobby,,post-1'), noName('#/names/1')],
    ['a comma at the end is refused', query('?names=lobby,'), noName('#/names/1')],
    ['two lists are refused', query('?names=lobby&names=post-1'), noName('#/names')],
    ['the same list twice is refused', query('?names=lobby&names=lobby'), noName('#/names')],
    ['a list in brackets is refused', query('?names[]=lobby'), noName('#/names')],
    ['a list in brackets hides no name', query(`?names[]=${MARK}&names=lobby`), OK],
    ['a list by keys is refused', query('?names[0]=lobby'), noName('#/names')],
    ['the key in capitals is refused', query('?NAMES=lobby'), noName('#/names')],
    ['a semicolon divides no query', query('?a=1;names=lobby'), noName('#/names')],
    ['51 names are refused', query(`?names=${times(51, (n) => `post-${n}`)}`), noName('#/names')],
    ['a name that is in a list twice is refused', query('?names=lobby,post-1,lobby'), noName('#/names/2')],
    ['a name that is in a list twice, once with an encoded letter, is refused', query('?names=lobby,l%6Fbby'), noName('#/names/1')],
    ['an encoded comma divides names', query('?names=lobby%2Cpost-1'), counts('"post-1":{')],
    ['a space behind a comma is refused', query('?names=lobby,%20post-1'), noName('#/names/1')],
    ['a plus in a list is a space', query('?names=lobby,+post-1'), noName('#/names/1')],
    ['a wrong name in a list is not repeated', query(`?names=lobby,.${MARK}`), noName('#/names/1')],
    ['an unknown name in a list is not repeated', query(`?names=lobby,${MARK}`), { status: 404, code: 'unknown-channel', body: '"pointer":"#/names/1"' }],
    ['50 unknown names get a short answer', query(`?names=${times(50, (n) => `yard-${n}`)}`), unknown],
    ['a list with a wrong name and an unknown one is refused for the wrong one', query(`?names=${MARK},-`), noName('#/names/1')],
    ['a line feed in a list is refused', query('?names=lobby%0A'), noName('#/names/0')],
    ['a zero byte in a list is refused', query('?names=lobby%00'), noName('#/names/0')],
    ['half an escape in a list is refused', query('?names=lobby%f'), noName('#/names/0')],
    ['a prefix in a list is refused', query('?names=post-*'), noName('#/names/0')],
    ['a prototype in a list is refused', query('?names=lobby,__proto__'), noName('#/names/1')],
    ['a prototype in the query is ignored', query('?__proto__=lobby&constructor=1&names=lobby'), counts(ONE)],
    ['a prototype as the query is refused', query('?__proto__[names]=lobby'), noName('#/names')],
    ['the default channel has no name in a list', query('?names=default'), unknown],
    ['another key in the query is ignored and not repeated', query(`?names=lobby&note=${MARK}`), counts(ONE)],

    ['a foreign origin is refused before a wrong name', heartbeat('-', absentBody(), from('https://evil.example')), foreignOrigin],
    ['a foreign origin is refused before an unknown name', presence(MARK, from('https://evil.example')), foreignOrigin],
    ['a foreign origin is refused before a wrong query', query('?names=-', from('https://evil.example')), foreignOrigin],
    ['a foreign origin opens no socket', live('lobby', { Origin: 'https://evil.example' }), foreignOrigin],
    ['a foreign origin gets no preflight', preflight(from('https://evil.example'), '/api/channels/lobby/heartbeat'), foreignOrigin],
    ['the listed origin gets a preflight', preflight({ Origin: GOOD_ORIGIN }, '/api/channels/lobby/heartbeat'), { status: 204, headers: { 'Access-Control-Allow-Origin': GOOD_ORIGIN } }],
    ['the listed origin gets a preflight for any name', preflight({ Origin: GOOD_ORIGIN }, `/api/channels/${MARK}/leave`), { status: 204, headers: { 'Access-Control-Allow-Origin': GOOD_ORIGIN } }],
    ['the listed origin may read the refusal of a name', presence('-', from(GOOD_ORIGIN)), { status: 400, code: 'invalid-channel', headers: { 'Access-Control-Allow-Origin': GOOD_ORIGIN } }],
    ['a wrong name is refused before the body', heartbeat('-', MARK), noName()],
    ['a wrong name is refused before a body that is too large', leave('-', 'x'.repeat(2_048)), noName()],
    ['an unknown name is refused before the body', heartbeat('yard', MARK), unknown],
    ['an unknown name is refused before a body of another type', leave('yard', absentBody(), { 'Content-Type': 'text/html' }), unknown],
    ['a wrong name is refused before the upgrade', request('GET', '/api/channels/-/live'), noName()],
    ['an unknown name is refused before the upgrade', request('GET', '/api/channels/garden/live'), unknown],
    ['a wrong body is refused before the limit of a network', heartbeat('post-3', MARK, at('192.0.2.40')), malformed, { before: [newSession('lobby', 401, at('192.0.2.40')), newSession('lobby', 402, at('192.0.2.40'))] }],
    ['an unknown name is refused before the limit of a network', heartbeat('yard', absentBody(), at('192.0.2.41')), unknown, { before: [newSession('lobby', 411, at('192.0.2.41')), newSession('lobby', 412, at('192.0.2.41'))] }],

    ['a compressed body is refused', heartbeat('lobby', Uint8Array.from(gzipSync(absentBody())), { ...JSON_TYPE, 'Content-Encoding': 'gzip' }), foreignEncoding],
    ['a body of another type is refused', leave('lobby', absentBody(), { 'Content-Type': 'text/html' }), foreignType],
    ['a body of 1,024 bytes is accepted in a channel', heartbeat('lobby', filled(1_024)), OK],
    ['a body of 1,025 bytes is too large in a channel', heartbeat('lobby', filled(1_025)), tooLarge],
    ['a leave of 16 KiB is too large in a channel', leave('lobby', 'x'.repeat(2 ** 14)), tooLarge],
    ['a body that is no JSON is refused', leave('lobby', MARK), malformed],
    ['a heartbeat without a body is refused', heartbeat('lobby', ''), malformed],
    ['a leave with an invalid id is refused', leave('lobby', absentBody({ sessionId: MARK })), invalid],
    ['a heartbeat with an unknown mood is refused', heartbeat('lobby', absentBody({ mood: MARK })), invalid],
    ['a mood from a prototype is refused', heartbeat('lobby', `{"__proto__":{"mood":"presence"},"sessionId":"${ABSENT_ID}"}`), invalid],

    ['GET sends no heartbeat', request('GET', '/api/channels/lobby/heartbeat'), notAllowed('POST, OPTIONS')],
    ['HEAD sends no heartbeat', request('HEAD', '/api/channels/lobby/heartbeat'), { status: 405, headers: { Allow: 'POST, OPTIONS' } }],
    ['PUT sends no heartbeat', request('PUT', '/api/channels/lobby/heartbeat', JSON_TYPE, absentBody()), notAllowed('POST, OPTIONS')],
    ['DELETE ends no session', request('DELETE', '/api/channels/lobby/leave', JSON_TYPE, presentBody()), notAllowed('POST, OPTIONS')],
    ['GET ends no session', request('GET', '/api/channels/lobby/leave'), notAllowed('POST, OPTIONS')],
    ['POST reads no presence', request('POST', '/api/channels/lobby/presence', JSON_TYPE, absentBody()), notAllowed('GET, HEAD, OPTIONS')],
    ['POST opens no socket', request('POST', '/api/channels/lobby/live', { Upgrade: 'websocket' }), notAllowed('GET, HEAD, OPTIONS')],
    ['POST reads no list', request('POST', '/api/channels?names=lobby', JSON_TYPE, absentBody()), notAllowed('GET, HEAD, OPTIONS')],
    ['another method is refused for a wrong name too', request('PATCH', `/api/channels/-${MARK}/leave`, JSON_TYPE, absentBody()), notAllowed('POST, OPTIONS')],
    ['HEAD reads a presence', request('HEAD', '/api/channels/lobby/presence'), OK],
    ['HEAD reads a list', request('HEAD', '/api/channels?names=lobby'), OK],
    ['HEAD of a wrong name is refused', request('HEAD', '/api/channels/-/presence'), { status: 400 }],
    ['HEAD opens no socket', request('HEAD', '/api/channels/lobby/live', { Upgrade: 'websocket' }), { status: 426 }],
    ['a request that is no upgrade opens no socket', request('GET', '/api/channels/lobby/live'), upgradeRequired],

    ['a wrong name opens no socket', live('..'), noName()],
    ['an unknown name opens no socket', live('Lobby'), unknown],
    ['a name with an encoded slash opens no socket', live('lobby%2Flive'), noName()],
    ['the session of a socket counts in its channel only', { path: '/api/channels/lobby/live', messages: [absentBody()], counts: { '/api/channels/lobby/presence': 2, '/api/presence': 1, '/api/channels/post-1/presence': 0 } }, { status: 101 }],
    ['the session of a socket without a name counts in the default channel only', { messages: [absentBody()], counts: { '/api/channels/lobby/presence': 1, '/api/presence': 2, '/api/channels/post-1/presence': 0 } }, { status: 101 }],
    ['a channel in a message moves no session', { path: '/api/channels/lobby/live', messages: [absentBody({ channel: 'post-1' })], counts: { '/api/channels/lobby/presence': 2, '/api/channels/post-1/presence': 0 } }, { status: 101 }],
    ['a key of the store on a socket is no session id', { path: '/api/channels/lobby/live', messages: [absentBody({ sessionId: `post-1/${ABSENT_ID}` })] }, { closeCode: 1008 }],
    ['another id on a socket of a channel closes it', { path: '/api/channels/lobby/live', messages: [absentBody(), absentBody({ sessionId: sessionId(4) })] }, { closeCode: 1008 }],

    ['one network opens no second empty channel in a minute', newSession('post-4', 502, at('192.0.2.50')), overLimit, { before: [newSession('post-3', 501, at('192.0.2.50'))] }],
    ['one IPv6 network opens no second empty channel in a minute', newSession('post-4', 512, at('2001:db8:0:51:ffff::')), overLimit, { before: [newSession('post-3', 511, at('2001:db8:0:51::1'))] }],
    ['a network that opened a channel starts a session in it', newSession('post-5', 522, at('192.0.2.52')), OK, { before: [newSession('post-5', 521, at('192.0.2.52'))] }],
    ['a network that opened a channel starts a session in a listed one', newSession('hall', 532, at('192.0.2.53')), OK, { before: [newSession('post-3', 531, at('192.0.2.53'))] }],
    ['a network that opened a channel sends heartbeats in the default one', heartbeatInDefault(presentBody(), at('192.0.2.54')), OK, { before: [newSession('post-3', 541, at('192.0.2.54'))] }],
    ['a socket in a second empty channel is over the limit', live('post-4', at('192.0.2.55')), overLimit, { before: [live('post-3', at('192.0.2.55'))] }],
    ['a socket in an empty channel leaves a heartbeat its place in the limit of channels', newSession('post-3', 591, at('192.0.2.59')), OK, { before: [live('post-4', at('192.0.2.59'))] }],
    ['a socket in a listed channel is within the limit of channels', live('hall', at('192.0.2.56')), { status: 101 }, { before: [newSession('post-3', 561, at('192.0.2.56'))] }],
    ['one network starts no third session in a minute in any channel', newSession('lobby', 573, at('192.0.2.57')), overLimit, { before: [newSession('lobby', 571, at('192.0.2.57')), newSession('hall', 572, at('192.0.2.57'))] }],
    ['a known session of a channel is counted over the limit', heartbeat('lobby', presentBody(), at('192.0.2.58')), OK, { before: [newSession('lobby', 581, at('192.0.2.58')), newSession('lobby', 582, at('192.0.2.58'))] }],

    growing('a long name', (length) => presence('x'.repeat(length)), noName()),
    growing('a name of dots', (length) => presence(`x${'.'.repeat(length)}!`), noName()),
    growing('a name of escapes', (length) => presence('%2e'.repeat(length / 3)), noName()),
    growing('a name of half escapes', (length) => presence('%c3x'.repeat(length / 4)), noName()),
    growing('a path of names', (length) => query('/lobby'.repeat(length / 6)), notFound),
    growing('a list of many names', (length) => query(`?names=${times(length / 7, (n) => `p${n}`)}`), noName('#/names')),
    growing('a list of commas', (length) => query(`?names=${','.repeat(length)}`), noName('#/names')),
    growing('a list of one long name', (length) => query(`?names=${'x'.repeat(length)}`), noName('#/names/0')),
    growing('many lists', (length) => query(`?${'names=x&'.repeat(length / 8)}`), noName('#/names')),
    growing('many keys', (length) => query(`?${times(length / 8, (n) => `${n}=${n}`).join('&')}&names=-`), noName('#/names/0')),
    growing('many escapes in a list', (length) => query(`?names=${'%2c'.repeat(length / 3)}`), noName('#/names')),
  ], listed),

  ...category('channels', [
    ...METHODS.map((name) => [`the name ${name} is an empty channel`, presence(name), counts(EMPTY), any] as const),
    ['a list of names that objects have is a list of empty channels', query(`?names=${METHODS}`), counts(`"constructor":{${EMPTY}}`), any],
    ['a session in constructor counts there', presence('constructor'), counts('"count":1,'), { ...any, before: [newSession('constructor', 601)] }],
    ['a session in constructor does not count in toString', query('?names=toString,valueOf'), counts(`"valueOf":{${EMPTY}}`), { ...any, before: [newSession('constructor', 602)] }],
    ['a prototype is no name where all names are allowed', heartbeat('__proto__'), noName(), any],
    ['the name default is not the default channel', presence('default'), counts(EMPTY), any],
    ['an asterisk is no name where all names are allowed', presence('*'), noName(), any],

    ['a service without channels answers a wrong name with no-channels', heartbeat('..'), noChannels],
    ['a service without channels reads no body', heartbeat('lobby', MARK), noChannels],
    ['a service without channels has no list of them', query('?names=-'), noChannels],
    ['a service without channels opens no socket in one', live('lobby'), noChannels],
    ['a foreign origin is refused before a service without channels reads the name', presence('lobby', from('https://evil.example')), foreignOrigin],
    ['a service on KV answers a wrong name with no-channels', heartbeat('%2e%2e'), noChannels, kv],
    ['a service on KV answers a good name with no-channels', leave('lobby'), noChannels, kv],
    ['a service on KV has no list of channels', query(`?names=${MARK}`), noChannels, kv],
    ['a service on KV opens no socket in a channel', live('lobby'), noChannels, kv],
    ['a service on KV refuses another method', request('PUT', '/api/channels/lobby/leave', JSON_TYPE, absentBody()), notAllowed('POST, OPTIONS'), kv],

  ]),
  ...category('channels', [
    ['a channel beyond the maximum does not open', newSession('post-2', 702), full, { before: [newSession('post-1', 701)] }],
    ['a further session starts in an open channel at the maximum', presence('post-1'), counts('"count":2,'), { before: [newSession('post-1', 711), newSession('post-1', 712)] }],
    ['a listed channel opens at the maximum', newSession('hall', 722), counts('"count":1,'), { before: [newSession('post-1', 721)] }],
    ['a session counts in the default channel at the maximum', heartbeatInDefault(presentBody()), OK, { before: [newSession('post-1', 731)] }],
    ['a channel that becomes empty leaves its place to another one', presence('post-3'), counts('"count":1,'), { before: [newSession('post-2', 741), leave('post-2', absentBody({ sessionId: newSessionId(741) })), newSession('post-3', 742)] }],
    ['a read of empty channels opens none', presence('post-1'), counts('"count":1,'), { before: [...times(20, (n) => `post-${n}`).map((name) => presence(name)), newSession('post-1', 751)] }],
    ['a socket in a channel beyond the maximum is closed', { path: '/api/channels/post-2/live', messages: [absentBody()] }, { closeCode: 1013 }, { before: [newSession('post-1', 761)] }],
    ['a socket starts a session in a listed channel at the maximum', { path: '/api/channels/lobby/live', messages: [absentBody()], counts: { '/api/channels/lobby/presence': 2, '/api/presence': 1 } }, { status: 101 }, { before: [newSession('post-1', 771)] }],
  ], few),
];
