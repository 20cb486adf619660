import type { Mistake } from './planted-mistake';

/** A guard that is out, and the category of rows in the hostile table that tell. */
interface Hole extends Mistake {
  readonly category: string;
  /** Whether it makes an error that nobody expects, which is logged. */
  readonly isLogged?: true;
}

const GUARDS = 'api/guards.ts';
const ORIGIN_OF = 'origin-of.ts';
const PROBLEMS = 'api/problems.ts';
const ROUTES = 'api/routes.ts';
const STORE = 'presence/presence-store.ts';
const PREFLIGHT = 'api/preflight.ts';
const UNMATCHED = 'api/unmatched.ts';
const NEW_SESSIONS = 'api/new-sessions.ts';
const LIVE = 'api/live.ts';
const ANSWERS = 'api/answers.ts';
const SESSION = 'presence/session.ts';
const SOCKETS = 'presence/live-sockets.ts';

// biome-ignore format: one hole, one line
export const HOLES: readonly Hole[] = [
  { category: 'origins', name: 'every origin passes', file: GUARDS, right: `if (allowed === '*')`, wrong: 'if (true)' },
  { category: 'origins', name: 'origins that begin like a listed one pass', file: GUARDS, right: 'allowed.includes(origin)', wrong: 'allowed.some((one) => origin.startsWith(one))' },
  { category: 'origins', name: 'origins that end like a listed one pass', file: GUARDS, right: 'allowed.includes(origin)', wrong: `allowed.some((one) => one.endsWith(origin.replace('www.', '').slice(8)))` },
  { category: 'origins', name: 'origins in capitals pass', file: GUARDS, right: 'allowed.includes(origin)', wrong: 'allowed.includes(origin.toLowerCase())' },
  { category: 'origins', name: 'the origin null passes', file: GUARDS, right: 'origin === undefined', wrong: `(origin === undefined || origin === 'null')` },
  { category: 'origins', name: 'answers to every origin allow credentials', file: ANSWERS, right: `const common = { ...COMMON,`, wrong: `const common = { ...COMMON, [CREDENTIALS_HEADER]: 'true',` },
  { category: 'origins', name: 'answers allow credentials where all origins are listed', file: ANSWERS, right: `new Headers(allowing('*'))`, wrong: `new Headers({ ...allowing('*'), [CREDENTIALS_HEADER]: 'true' })` },
  { category: 'origins', name: 'answers to the listed origin allow no credentials', file: ANSWERS, right: `const forListed = { Vary: 'Origin', [CREDENTIALS_HEADER]: 'true' }`, wrong: `const forListed = { Vary: 'Origin' }` },
  { category: 'origins', name: 'preflights repeat whatever is asked for', file: PREFLIGHT, right: '!HEADER_NAMES.test(list)', wrong: 'false' },
  { category: 'origins', name: 'preflights repeat as much as is asked for', file: PREFLIGHT, right: 'list.length > REQUESTED_HEADERS_LENGTH_MAX', wrong: 'false' },
  { category: 'origins', name: 'preflights for credentials have a wildcard', file: PREFLIGHT, right: '...headersAskedFor(c)]', wrong: `'*']` },
  { category: 'origins', name: 'the own page is refused where a proxy ends TLS', file: GUARDS, right: 'return origin === own ||', wrong: 'return origin === own || false &&' },
  { category: 'origins', name: 'the port of the own page does not count', file: GUARDS, right: `originOf(url);\n  return`, wrong: `originOf(url);\n  if (new URL(origin).hostname === new URL(url).hostname) return true;\n  return` },
  { category: 'origins', name: 'the client says which host it asked', file: GUARDS, right: 'isOwnOrigin(origin, c.req.url)', wrong: `(isOwnOrigin(origin, c.req.url) || origin.split('//')[1] === c.req.header('X-Forwarded-Host'))` },
  { category: 'hosts', isLogged: true, name: 'a host that is none is an unexpected error', file: ORIGIN_OF, right: `  try {\n    return new URL(url).origin;\n  } catch {\n    return undefined;\n  }`, wrong: '  return new URL(url).origin;' },
  { category: 'hosts', isLogged: true, name: 'a host that is none keeps the room away', file: LIVE, right: `new Request('http://room/', { headers: c.req.raw.headers })`, wrong: 'c.req.raw' },
  { category: 'types', name: 'every type passes', file: GUARDS, right: 'if (!isUsual && !isReadAsJson(type))', wrong: 'if (false)' },
  { category: 'types', name: 'types that begin like JSON pass', file: GUARDS, right: '+json)?$/i', wrong: '+json)?/i' },
  { category: 'types', name: 'one good type of several passes', file: GUARDS, right: 'listElements(contentType).every(', wrong: 'listElements(contentType).some(' },
  { category: 'types', name: 'a usual type lets others pass behind it', file: GUARDS, right: '(?:;[^,]*)?$/i', wrong: '(?:;.*)?$/i' },
  { category: 'types', name: 'quotes hide nothing', file: GUARDS, right: `if (character === '"') isQuoted = !isQuoted;`, wrong: 'if (false) isQuoted = true;' },
  { category: 'types', name: 'an escaped quote ends a quote', file: GUARDS, right: `character === '\\\\' && isQuoted`, wrong: 'false' },
  { category: 'encodings', name: 'every content encoding passes', file: GUARDS, right: 'if (encoding !== undefined && !isPlain(encoding))', wrong: 'if (false)' },
  { category: 'encodings', name: 'one plain encoding of several passes', file: GUARDS, right: `contentEncoding.split(',').every(`, wrong: `contentEncoding.split(',').some(` },
  { category: 'costs', name: 'white space is matched in two ways', file: GUARDS, right: 'return JSON_OR_TEXT.test(type.trim());', wrong: String.raw`return /^\s*(text\/plain|application\/json|[^/;]+\/[^/;]+\+json)?\s*(;|$)/i.test(type);` },
  { category: 'costs', name: 'every type is compared with every other', file: GUARDS, right: 'return listElements(contentType).every((element) => {', wrong: 'return listElements(contentType).every((element, _, all) => {\n    if (all.filter((one) => one.trim() === element).length < 0) return false;' },
  { category: 'sizes', name: 'every size passes', file: GUARDS, right: 'length + chunk.byteLength > BODY_BYTES_MAX', wrong: 'false' },
  { category: 'sizes', name: 'the size is off by one', file: GUARDS, right: 'text.length > BODY_BYTES_MAX', wrong: 'text.length >= BODY_BYTES_MAX' },
  { category: 'sizes', name: 'the size is what the client says', file: GUARDS, right: 'if (length + chunk.byteLength > BODY_BYTES_MAX)', wrong: `if (length > Number(request.header('Content-Length') ?? 0))` },
  { category: 'drips', name: 'only the first chunk is counted', file: GUARDS, right: 'length + chunk.byteLength > BODY_BYTES_MAX', wrong: 'chunk.byteLength > BODY_BYTES_MAX' },
  { category: 'encodings', name: 'what is not UTF-8 is mended', file: GUARDS, right: String.raw`text.includes('\uFFFD') ?`, wrong: 'false ?' },
  { category: 'bodies', isLogged: true, name: 'what is no JSON is an unexpected error', file: PROBLEMS, right: 'if (error instanceof HTTPException', wrong: 'if (false && error instanceof HTTPException' },
  { category: 'bodies', name: 'bodies are not validated', file: PROBLEMS, right: 'if (result.success) return', wrong: 'if (true) return' },
  { category: 'ids', name: 'every text is an id', file: SESSION, right: 'z.guid(', wrong: 'z.string(' },
  { category: 'ids', name: 'ids are trimmed', file: SESSION, right: 'z.guid({', wrong: 'z.string().trim().guid({' },
  { category: 'moods', name: 'every text is a mood', file: SESSION, right: 'z.enum(MOODS, {', wrong: 'z.string({' },
  { category: 'prototypes', name: 'moods are looked up in an object', file: SESSION, right: 'z.enum(MOODS, {', wrong: 'z.custom((mood) => typeof mood === "string" && ({ gratitude: 1, presence: 1, release: 1, connection: 1 } as never)[mood], {' },
  { category: 'duplicate keys', name: 'the first of two keys counts', file: GUARDS, right: 'malformedJson(c) : next()', wrong: String.raw`malformedJson(c) : ((c.req.json = async () => JSON.parse(text.replace(/("\w+":"[^"]*",)("\w+":"[^"]*",)/, '$2$1'))), next())` },
  { category: 'nesting', name: 'an id in a list is an id', file: 'api/schemas.ts', right: 'z.object({ sessionId: SessionId, mood', wrong: 'z.object({ sessionId: z.preprocess(String, SessionId), mood' },
  { category: 'moods', name: 'errors say what came', file: PROBLEMS, right: 'errors: faultsOf(result.error.issues)', wrong: 'errors: [...faultsOf(result.error.issues), { pointer: JSON.stringify(result), detail: String(c.req.raw.headers.get("content-type")) }]' },
  { category: 'paths', name: 'errors say which path was asked for', file: PROBLEMS, right: `problem(c, 'not-found')`, wrong: `problem(c, 'not-found', { requestId: c.req.url })` },
  { category: 'methods', name: 'no method is refused', file: UNMATCHED, right: 'app.all(path, (c) => answer405(c, methods))', wrong: 'void path' },
  { category: 'headers', name: 'types may be sniffed', file: ANSWERS, right: `'X-Content-Type-Options': 'nosniff',`, wrong: '' },
  { category: 'headers', name: 'errors may be cached', file: ANSWERS, right: `'Cache-Control': 'no-store',`, wrong: '' },
  { category: 'new sessions', name: 'new sessions are not limited', file: ROUTES, right: `if (answer === 'over-limit') return problem(c, 'too-many-new-sessions');`, wrong: '' },
  { category: 'new sessions', name: 'known sessions are limited, and refused where there is no room', file: STORE, right: `if (this.#isKnown(id)) return 'known';`, wrong: '' },
  { category: 'new sessions', name: 'sockets are not limited', file: LIVE, right: 'if (!(await newSessions.isWithinLimit(c)))', wrong: 'if (false)' },
  { category: 'new sessions', name: 'every IPv6 address is a client of its own', file: NEW_SESSIONS, right: '.slice(0, 4)', wrong: '' },
  { category: 'new sessions', name: 'the client says which address it has', file: NEW_SESSIONS, right: `c.req.header('CF-Connecting-IP')`, wrong: `(c.req.header('X-Forwarded-For') ?? c.req.header('CF-Connecting-IP'))` },
  { category: 'new sessions', name: 'a replica is never full', file: STORE, right: 'return this.#own.liveCount >= this.#sessionsMax', wrong: 'return false' },
  { category: 'sockets', name: 'what is no WebSocket is opened', file: LIVE, right: `!== 'websocket'`, wrong: `=== 'no'` },
  { category: 'sockets', name: 'HEAD opens a socket', file: LIVE, right: `c.req.method !== 'GET' ||`, wrong: '' },
  { category: 'sockets', name: 'sockets are opened where there is no room', file: LIVE, right: 'if (open === undefined)', wrong: 'if (false)' },
  { category: 'sockets', name: 'sockets may send bytes', file: SOCKETS, right: `if (typeof message !== 'string') return {`, wrong: `if (typeof message !== 'string') return { sessionId: '00000000-0000-4000-8000-000000000009', mood: 'release' };\n  if (false) return {` },
  { category: 'sockets', name: 'sockets may send messages of every size', file: SOCKETS, right: 'if (isTooBig(message))', wrong: 'if (false)' },
  { category: 'sockets', name: 'the size of messages is counted in letters', file: SOCKETS, right: 'new TextEncoder().encode(message).byteLength', wrong: 'message.length' },
  { category: 'sockets', name: 'sockets that have not joined may have a mood', file: SOCKETS, right: 'this.#drop(socket, NOT_JOINED, room);', wrong: '' },
  { category: 'sockets', name: 'sockets that have joined may take another id', file: SOCKETS, right: 'seated.sessionId !== sessionId', wrong: 'false' },
  { category: 'sockets', name: 'a socket that takes another id is not closed', file: SOCKETS, right: 'this.#drop(socket, OTHER_ID, room);', wrong: '' },
  { category: 'sockets', name: 'sockets may send as often as they like', file: SOCKETS, right: 'messages > LIVE_MESSAGES_MAX', wrong: 'messages < 0' },
];
