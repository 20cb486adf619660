import { sessionId } from '../../support/session-id';
import { absentBody, type Body, type Headers, JSON_TYPE, request } from './hostile-requests';
import type { Expected } from './hostile-row';

// The requests to channels in the hostile table, and the answers that it expects.

export const listed = { variables: { CHANNELS: 'lobby, hall, post-*' } };
export const unknown: Expected = { status: 404, code: 'unknown-channel' };
export const full: Expected = { status: 503, code: 'full', headers: { 'Retry-After': '10' } };
export const noName = (pointer = '#/channel'): Expected => ({
  status: 400,
  code: 'invalid-channel',
  body: `"pointer":"${pointer}"`,
});
export const counts = (body: string): Expected => ({ status: 200, body });

export const heartbeat = (channel: string, body: Body = absentBody(), headers: Headers = JSON_TYPE) =>
  request('POST', `/api/channels/${channel}/heartbeat`, headers, body);
export const leave = (channel: string, body: Body = absentBody(), headers: Headers = JSON_TYPE) =>
  request('POST', `/api/channels/${channel}/leave`, headers, body);
export const presence = (channel: string, headers: Headers = {}) =>
  request('GET', `/api/channels/${channel}/presence`, headers);
export const query = (text: string, headers: Headers = {}) => request('GET', `/api/channels${text}`, headers);
/** Returns the id of a session that no other row has. */
export const newSessionId = (n: number) => sessionId(1_000 + n);
export const newSessionBody = (n: number) => JSON.stringify({ sessionId: newSessionId(n), mood: 'release' });
export const newSession = (channel: string, n: number, headers: Headers = JSON_TYPE) =>
  heartbeat(channel, newSessionBody(n), headers);

export const times = (count: number, name: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => name(n));

/** The counts of a channel with no session, and with PRESENT_ID only. */
export const EMPTY = '"count":0,"moods":{"gratitude":0,"presence":0,"release":0,"connection":0}';
export const ONE = '"count":1,"moods":{"gratitude":0,"presence":1,"release":0,"connection":0}';
