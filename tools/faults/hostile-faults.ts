import type { Fault } from './fault';

const ANSWERS = 'api/answers.ts';
const CHANNELS = 'api/channels.ts';
const GUARDS = 'api/guards.ts';
const LIVE = 'api/live.ts';
const NEW_SESSIONS = 'api/new-sessions.ts';
const PREFLIGHT = 'api/preflight.ts';
const PROBLEMS = 'api/problems.ts';
const ROUTES = 'api/routes.ts';
const SCHEMAS = 'api/request-schemas.ts';
const OPEN_CHANNELS = 'presence/open-channels.ts';
const RULES = 'presence/channel-rules.ts';
const SESSION = 'presence/session.ts';
const SESSION_KEY = 'presence/session-key.ts';
const ROOM = 'presence/room/room.ts';
const SOCKETS = 'presence/room/live-sockets.ts';
const REPLICA = 'presence/replica.ts';
const STORE = 'presence/presence-store.ts';
const SOCKET_MESSAGE = 'presence/room/socket-message.ts';

type HostileFault = Omit<Fault, 'noticedBy'> & { readonly isLogged?: true };
const noticedBy = (hostile: string, faults: readonly HostileFault[]): readonly Fault[] =>
  faults.map(({ isLogged, ...fault }) => ({
    ...fault,
    noticedBy: { hostile, ...(isLogged && { isLogged }) },
  }));

/** Each fault opens one guard of the Worker. Then a row of the named category of the hostile table fails. */
// biome-ignore format: one fault, one line
export const HOSTILE_FAULTS: readonly Fault[] = [
  ...noticedBy('origins', [
    { name: 'every origin passes', file: GUARDS, find: `allowed === '*'`, put: 'true' },
    { name: 'an origin that begins like a listed one passes', file: GUARDS, find: 'allowed.includes(origin)', put: 'allowed.some((one) => origin.startsWith(one))' },
    { name: 'an origin that ends like a listed one passes', file: GUARDS, find: 'allowed.includes(origin)', put: `allowed.some((one) => one.endsWith(origin.replace('www.', '').slice(8)))` },
    { name: 'an origin in capitals passes', file: GUARDS, find: 'allowed.includes(origin)', put: 'allowed.includes(origin.toLowerCase())' },
    { name: 'the origin null passes', file: GUARDS, find: 'origin === undefined', put: `(origin === undefined || origin === 'null')` },
    { name: 'an answer to any origin allows credentials', file: ANSWERS, find: 'const common = { ...COMMON, $LIVE }', put: `const common = { ...COMMON, [CREDENTIALS_HEADER]: 'true', $LIVE };` },
    { name: 'an answer allows credentials where all origins are listed', file: ANSWERS, find: `allowing('*')`, put: `{ ...allowing('*'), [CREDENTIALS_HEADER]: 'true' }` },
    { name: 'an answer to the listed origin allows no credentials', file: ANSWERS, find: 'const forListed = $HEADERS', put: `const forListed = { Vary: 'Origin' };` },
    { name: 'a preflight repeats text that is no list of header names', file: PREFLIGHT, find: '!HEADER_NAMES.test(list)', put: 'false' },
    { name: 'a preflight repeats a list of any length', file: PREFLIGHT, find: 'list.length > REQUESTED_HEADERS_LENGTH_MAX', put: 'false' },
    { name: 'a preflight for credentials has a wildcard', file: PREFLIGHT, find: 'requestedHeaders(c)', put: `['*']` },
    { name: 'the page of the service is refused behind a proxy that ends TLS', file: GUARDS, find: 'origin === own || $SAFER', put: 'origin === own' },
    { name: 'a page on another port of the host passes', file: GUARDS, find: 'origin === own?.replace($HTTP, $HTTPS)', put: String.raw`[origin, origin.replace(/:\d+$/, '')].includes(own?.replace($HTTP, $HTTPS) ?? '')` },
    { name: 'X-Forwarded-Host decides the own origin of the service', file: GUARDS, find: 'isOwnOrigin(origin, c.req.url)', put: `(isOwnOrigin(origin, c.req.url) || origin.split('//')[1] === c.req.header('X-Forwarded-Host'))` },
  ]),
  ...noticedBy('hosts', [
    { name: 'an invalid host is an unexpected error', isLogged: true, file: 'origin-of.ts', find: 'try { $RETURN } catch { return undefined; }', put: '$RETURN' },
    { name: 'an invalid host prevents the call to the room', isLogged: true, file: 'services.ts', find: 'new Request(urlOfChannel(channel), $HEADERS)', put: `new Request('http://' + headers.get('Host'), $HEADERS)` },
  ]),
  ...noticedBy('types', [
    { name: 'every content type passes', file: GUARDS, find: '!isUsual && !isReadAsJson(type)', put: 'false' },
    { name: 'a content type that begins like JSON passes', file: GUARDS, find: 'JSON_OR_TEXT.test($TYPE)', put: String.raw`/^(?:$|text\/plain|application\/json)/i.test($TYPE)` },
    { name: 'one good content type of several suffices', file: GUARDS, find: 'listElements(contentType).every($GOOD)', put: 'listElements(contentType).some($GOOD)' },
    { name: 'a usual content type hides a second one', file: GUARDS, find: 'USUAL_TYPE.test(type)', put: String.raw`/^(?:application\/json|text\/plain)\s*(?:;.*)?$/i.test(type)` },
    { name: 'a comma in quotes divides a list', file: GUARDS, find: 'isQuoted = !isQuoted', put: 'void 0' },
    { name: 'an escaped quote ends a quote', file: GUARDS, find: String.raw`character === '\\' && isQuoted`, put: 'false' },
  ]),
  ...noticedBy('encodings', [
    { name: 'every content encoding passes', file: GUARDS, find: 'encoding !== null && !isPlain(encoding)', put: 'false' },
    { name: 'one plain content encoding of several suffices', file: GUARDS, within: 'isPlain', find: '$CODINGS.every($PLAIN)', put: '$CODINGS.some($PLAIN)' },
    { name: 'a body that is not UTF-8 passes', file: GUARDS, find: String.raw`text.includes('\uFFFD')`, put: 'false' },
  ]),
  ...noticedBy('costs', [
    { name: 'a pattern matches white space in two ways', file: GUARDS, find: 'JSON_OR_TEXT.test(type.trim())', put: String.raw`/^\s*(?:text\/plain|application\/json)?\s*$/i.test(type)` },
    { name: 'each element of a list is compared with all others', file: GUARDS, find: 'listElements(contentType)', put: `listElements(contentType).filter((one, _, all) => !all.some((other) => other.trim() === one + '?'))` },
  ]),
  ...noticedBy('sizes', [
    { name: 'a body of any size passes', file: GUARDS, find: 'length + chunk.byteLength > BODY_BYTES_MAX', put: 'false' },
    { name: 'a body of the largest size is refused', file: GUARDS, find: 'text.length > BODY_BYTES_MAX', put: 'text.length >= BODY_BYTES_MAX' },
    { name: 'Content-Length decides the size of a body', file: GUARDS, find: 'length + chunk.byteLength > BODY_BYTES_MAX', put: `length > Number(request.header('Content-Length') ?? 0)` },
  ]),
  ...noticedBy('drips', [
    { name: 'each chunk of a body is measured alone', file: GUARDS, find: 'length + chunk.byteLength > BODY_BYTES_MAX', put: 'chunk.byteLength > BODY_BYTES_MAX' },
  ]),
  ...noticedBy('bodies', [
    { name: 'a body that is not JSON is an unexpected error', isLogged: true, file: PROBLEMS, find: 'error instanceof HTTPException', put: 'false' },
    { name: 'a body is not validated', file: PROBLEMS, find: 'result.success', put: 'true' },
  ]),
  ...noticedBy('ids', [
    { name: 'every text is a session id', file: SESSION, find: 'z.guid($ERROR)', put: 'z.string($ERROR)' },
    { name: 'a session id is trimmed', file: SESSION, find: 'z.guid($ERROR)', put: 'z.pipe(z.string().check(z.trim()), z.guid($ERROR))' },
  ]),
  ...noticedBy('moods', [
    { name: 'every text is a mood', file: SESSION, find: 'z.enum(MOODS, $ERROR)', put: 'z.string($ERROR)' },
    { name: 'a problem repeats the body', file: PROBLEMS, find: 'faultsOf(result.error.issues)', put: `[...faultsOf(result.error.issues), { pointer: JSON.stringify(result), detail: String(c.req.raw.headers.get('content-type')) }]` },
  ]),
  ...noticedBy('prototypes', [
    { name: 'a mood is looked up in an object', file: SESSION, find: 'z.enum(MOODS, $ERROR)', put: `z.custom((mood) => typeof mood === 'string' && ({ gratitude: 1, presence: 1, release: 1, connection: 1 } as never)[mood], $ERROR)` },
  ]),
  ...noticedBy('duplicate keys', [
    { name: 'the first of two equal keys counts', file: GUARDS, find: '$BAD ? malformedJson(c) : next()', put: String.raw`$BAD ? malformedJson(c) : ((c.req.json = async () => JSON.parse(text.replace(/("\w+":"[^"]*",)("\w+":"[^"]*",)/, '$2$1'))), next())` },
  ]),
  ...noticedBy('nesting', [
    { name: 'a session id in a list passes', file: SCHEMAS, find: '{ sessionId: SessionId, mood: Mood }', put: '{ sessionId: z.pipe(z.transform(String), SessionId), mood: Mood }' },
  ]),
  ...noticedBy('paths', [
    { name: 'a problem repeats the path', file: PROBLEMS, find: `problem(c, 'not-found')`, put: `problem(c, 'not-found', { requestId: c.req.url })` },
  ]),
  ...noticedBy('methods', [
    { name: 'no method is refused', file: 'api/unmatched.ts', find: 'this.#known.find($KNOWN)', put: 'undefined' },
  ]),
  ...noticedBy('headers', [
    { name: 'a browser may guess the type of an answer', file: ANSWERS, find: `'nosniff'`, put: `''` },
    { name: 'a cache may keep an answer', file: ANSWERS, find: `'no-store'`, put: `'public'` },
  ]),
  ...noticedBy('new sessions', [
    { name: 'new sessions have no limit', file: ROUTES, find: `answer === 'over-limit'`, put: 'false' },
    { name: 'known sessions count towards the limit of new ones', file: REPLICA, within: 'admit', find: 'this.get(key) !== undefined || $EXPIRED', put: 'false' },
    { name: 'live sockets have no limit', file: LIVE, find: `!(await newSessions.isWithinLimit(c, isInEmptyChannel, 'live '))`, put: 'false' },
    { name: 'each IPv6 address is a client of its own', file: NEW_SESSIONS, find: '$GROUPS.slice(0, 4)', put: '$GROUPS' },
    { name: 'X-Forwarded-For decides the address of a client', file: NEW_SESSIONS, find: `c.req.header('CF-Connecting-IP')`, put: `(c.req.header('X-Forwarded-For') ?? c.req.header('CF-Connecting-IP'))` },
    { name: 'a replica is never full', file: REPLICA, within: 'isFull', find: 'this.#own.size >= $MAX', put: 'false' },
  ]),
  ...noticedBy('sockets', [
    { name: 'a request that is no WebSocket opens a socket', file: LIVE, find: `$UPGRADE !== 'websocket'`, put: 'false' },
    { name: 'a HEAD request opens a socket', file: LIVE, find: `c.req.method !== 'GET'`, put: 'false' },
    { name: 'a socket opens where there is no room', file: LIVE, find: 'open === undefined', put: 'false' },
    { name: 'a socket may send bytes', file: SOCKET_MESSAGE, find: `if (typeof message !== 'string') $REFUSE`, put: `if (typeof message !== 'string') return { sessionId: '00000000-0000-4000-8000-000000000009', mood: 'release' };` },
    { name: 'a socket may send messages of any size', file: SOCKET_MESSAGE, find: 'isTooBig(message)', put: 'false' },
    { name: 'the size of a message is counted in characters', file: SOCKET_MESSAGE, find: '$BYTES.byteLength', put: 'message.length' },
    { name: 'a socket may set a mood before it joins', file: ROOM, find: 'return CLOSE.notJoined', put: 'return undefined' },
    { name: 'a joined socket may take another session id', file: ROOM, find: 'socket.session.key !== key', put: 'false' },
    { name: 'a socket that takes another session id stays open', file: ROOM, find: 'return CLOSE.otherSession', put: 'return undefined' },
    { name: 'a socket may send any number of messages', file: SOCKETS, find: 'socket.messagesInWindow > LIVE_MESSAGES_MAX', put: 'false' },
  ]),
  ...noticedBy('channels', [
    { name: 'every text is the name of a channel', file: SESSION_KEY, find: 'z.regex(CHANNEL_NAME, $ERROR)', put: 'z.regex(/./)' },
    { name: 'a line feed may follow the name of a channel', file: SESSION_KEY, find: 'const CHANNEL_NAME = $PATTERN', put: String.raw`const CHANNEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\n?$/;` },
    { name: 'a dot may start the name of a channel', file: SESSION_KEY, find: 'const CHANNEL_NAME = $PATTERN', put: 'const CHANNEL_NAME = /^[A-Za-z0-9._-]{1,64}$/;' },
    { name: 'a name may have any number of characters', file: SESSION_KEY, find: 'const CHANNEL_NAME = $PATTERN', put: 'const CHANNEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;' },
    { name: 'a name is trimmed', file: SESSION_KEY, find: 'z.string().check($CHECK)', put: 'z.string().check(z.trim(), $CHECK)' },
    { name: 'unknown channels are allowed', file: CHANNELS, find: '!channels.allows(name)', put: 'false' },
    { name: 'only the first name of a list must be allowed', file: CHANNELS, find: 'namesIn(result.data)', put: 'namesIn(result.data).slice(0, 1)' },
    { name: 'a problem repeats an unknown name', file: CHANNELS, find: `{ path: ['channel'], name: channel }`, put: `{ path: ['channel', channel], name: channel }` },
    { name: 'a problem repeats the names of a list', file: CHANNELS, find: `{ path: ['names', index], name }`, put: `{ path: ['names', index, name], name }` },
    { name: 'a service without channels checks the name first', file: CHANNELS, find: `if (channels === undefined) return problem(c, 'no-channels');`, put: `if (channels === undefined && result.success) return problem(c, 'no-channels'); if (channels === undefined) return problem(c, 'invalid-channel');` },
    { name: 'the body is read before the name', file: ROUTES, find: `$API.post('/api/channels/:channel/heartbeat', inChannel, jsonBody, heartbeatBody, $HANDLER)`, put: `$API.post('/api/channels/:channel/heartbeat', jsonBody, heartbeatBody, inChannel, $HANDLER)` },
    { name: 'the case of a name does not matter', file: RULES, within: 'isListed', find: 'this.#names.has(channel)', put: 'this.#names.has(channel.toLowerCase())' },
    { name: 'the start of a listed name is listed', file: RULES, within: 'isListed', find: 'this.#names.has(channel)', put: '[...this.#names].some((name) => name.startsWith(channel))' },
    { name: 'listed names are looked up in an object', file: RULES, within: 'isListed', find: 'this.#names.has(channel)', put: 'channel in Object.fromEntries([...this.#names].map((name) => [name, true]))' },
    { name: 'the counts of a list are looked up in an object', file: STORE, find: 'Object.fromEntries(states)', put: 'states.reduce<Record<string, ChannelState>>((all, [name, state]) => { all[name] ??= state; return all; }, {})' },
    { name: 'a list may have a name twice', file: SCHEMAS, find: 'seen.has(name)', put: 'false' },
    { name: 'a list may have any number of names', file: SCHEMAS, find: 'z.maxLength(CHANNEL_NAMES_MAX, $ERROR)', put: 'z.maxLength(1e9)' },
    { name: 'each name of a list is compared with all others', file: SCHEMAS, find: `list.split(',', $MAX)`, put: `list.split(',').filter((one, _, all) => !all.some((other) => other.trim() === one + '?')).slice(0, $MAX)` },
    { name: 'a heartbeat in a channel counts in the default one', file: ROUTES, find: `heartbeat(c, sessionKey(c.req.valid('param').channel, sessionId), mood)`, put: 'heartbeat(c, sessionId, mood)' },
    { name: 'a leave in a channel ends the session in the default one', file: ROUTES, find: `leave(c, sessionKey($CHANNEL, $ID))`, put: 'leave(c, $ID)' },
    { name: 'the presence of a channel is that of the default one', file: ROUTES, find: `presence(c, c.req.valid('param').channel)`, put: 'presence(c, DEFAULT_CHANNEL)' },
    { name: 'a socket opens in the default channel', file: 'services.ts', find: 'urlOfChannel(channel)', put: 'urlOfChannel(DEFAULT_CHANNEL)' },
    { name: 'a socket of a channel counts in the default one', file: ROOM, within: '#apply', find: 'sessionKey(socket.channel, sessionId)', put: 'sessionId' },
    { name: 'an isolate opens any number of channels', file: REPLICA, within: 'admit', find: 'this.#openChannels.refuses($CHANNEL)', put: 'false' },
    { name: 'the room opens any number of channels', file: 'presence/room/room-sessions.ts', within: 'heartbeat', find: 'this.#openChannels.refuses($CHANNEL)', put: 'false' },
    { name: 'a channel never closes', file: OPEN_CHANNELS, find: 'this.#open.delete(channel)', put: 'void 0' },
    { name: 'listed names count towards the most channels', file: OPEN_CHANNELS, within: 'open', find: '!this.#rules.isListed(channel)', put: 'true' },
    { name: 'listed names do not open at the most channels', file: OPEN_CHANNELS, within: 'wouldOpen', find: '!this.#rules.isListed(channel)', put: 'true' },
    { name: 'the limit of new channels is never checked', file: NEW_SESSIONS, find: '!opensChannel || $ASKED', put: 'true' },
    { name: 'every new session passes the limit of new channels', file: NEW_SESSIONS, find: '!opensChannel || $ASKED', put: '$ASKED' },
    { name: 'a socket passes no limit of new channels', file: LIVE, find: `newSessions.isWithinLimit(c, isInEmptyChannel, 'live ')`, put: 'newSessions.isWithinLimit(c, false)' },
  ]),
  ...noticedBy('history and badge', [
    { name: 'a label may contain anything', file: SCHEMAS, find: 'z.regex(LABEL, $ERROR)', put: 'z.regex(/^/)' },
    { name: 'a label may have any length', file: SCHEMAS, find: 'new RegExp($$$)', put: '/^[^<>]*$/' },
    { name: 'a service on KV requests a history', file: ROUTES, find: 'history === undefined', put: 'false' },
    { name: 'a badge repeats any parameter', file: ROUTES, find: "c.req.valid('query').label", put: "c.req.query('message') ?? c.req.valid('query').label" },
  ]),
];
