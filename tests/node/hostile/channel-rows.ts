import { gzipSync } from 'node:zlib';
import { sessionId } from '../../support/session-id';
import {
  counts,
  EMPTY,
  full,
  heartbeat,
  leave,
  listed,
  newSession,
  newSessionBody,
  newSessionId,
  noName,
  ONE,
  presence,
  query,
  times,
  unknown,
} from './channel-requests';
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
  type Headers,
  invalid,
  JSON_TYPE,
  malformed,
  notAllowed,
  OK,
  preflight,
  presentBody,
  request,
  tooLarge,
  upgrade,
  upgradeRequired,
} from './hostile-requests';
import { category, type Expected, GOOD_ORIGIN, type HostileRow, MARK } from './hostile-row';

/** The setting allows one channel besides the listed ones. */
const few = { variables: { CHANNELS: 'lobby, hall, post-*', CHANNELS_MAX: '1' } };
const kv = { variables: { PRESENCE_HUB: 'kv' } };
const noChannels: Expected = { status: 404, code: 'no-channels' };
const overLimit: Expected = {
  status: 429,
  code: 'too-many-new-sessions',
  headers: { 'Retry-After': '60' },
};

const live = (channel: string, headers: Headers = {}) => upgrade(headers, `/api/channels/${channel}/live`);
const heartbeatInDefault = (body: Body, headers: Headers = JSON_TYPE) =>
  request('POST', '/api/heartbeat', headers, body);
/** The counts of a channel with PRESENT_ID and one new session. */
const TWO = '"count":2,"moods":{"gratitude":0,"presence":1,"release":1,"connection":0}';

/** Sessions, bodies, sockets and limits of channels. The session PRESENT_ID is in the default channel and in `lobby`. */
// biome-ignore format: one row, one line
export const CHANNEL_ROWS: readonly HostileRow[] = [
  ...category('channels', [
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
    ['a network that opened a channel starts a session in the default one', request('GET', '/api/presence'), counts(TWO), { before: [newSession('post-3', 541, at('192.0.2.54')), heartbeatInDefault(newSessionBody(542), at('192.0.2.54'))] }],
    ['a socket in a second empty channel is over the limit', live('post-4', at('192.0.2.55')), overLimit, { before: [live('post-3', at('192.0.2.55'))] }],
    ['a socket in an empty channel leaves a heartbeat its place in the limit of channels', newSession('post-3', 591, at('192.0.2.59')), OK, { before: [live('post-4', at('192.0.2.59'))] }],
    ['a socket in a listed channel is within the limit of channels', live('hall', at('192.0.2.56')), { status: 101 }, { before: [newSession('post-3', 561, at('192.0.2.56'))] }],
    ['one network starts no third session in a minute in any channel', newSession('lobby', 573, at('192.0.2.57')), overLimit, { before: [newSession('lobby', 571, at('192.0.2.57')), newSession('hall', 572, at('192.0.2.57'))] }],
    ['a known session of a channel is counted over the limit', heartbeat('lobby', presentBody(), at('192.0.2.58')), OK, { before: [newSession('lobby', 581, at('192.0.2.58')), newSession('lobby', 582, at('192.0.2.58'))] }],
  ], listed),

  ...category('channels', [
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
    ['a session starts in the default channel at the maximum', request('GET', '/api/presence'), counts(TWO), { before: [newSession('post-1', 731), heartbeatInDefault(newSessionBody(732))] }],
    ['a channel that becomes empty leaves its place to another one', presence('post-3'), counts('"count":1,'), { before: [newSession('post-2', 741), leave('post-2', absentBody({ sessionId: newSessionId(741) })), newSession('post-3', 742)] }],
    ['a read of empty channels opens none', presence('post-1'), counts('"count":1,'), { before: [...times(20, (n) => `post-${n}`).map((name) => presence(name)), newSession('post-1', 751)] }],
    ['a socket in a channel beyond the maximum is closed', { path: '/api/channels/post-2/live', messages: [absentBody()] }, { closeCode: 1013 }, { before: [newSession('post-1', 761)] }],
    ['a socket starts a session in a listed channel at the maximum', { path: '/api/channels/lobby/live', messages: [absentBody()], counts: { '/api/channels/lobby/presence': 2, '/api/presence': 1 } }, { status: 101 }, { before: [newSession('post-1', 771)] }],
  ], few),
];
