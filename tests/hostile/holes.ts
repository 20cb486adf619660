import type { Mistake } from '../planted-mistake';

/** A guard that is out, and the category of rows in the hostile table that tell. */
interface Hole extends Mistake {
  readonly category: string;
  /** Whether it makes an error that nobody expects, which is logged. */
  readonly isLogged?: true;
}

const GUARDS = 'api/guards.ts';
const PROBLEMS = 'api/problems.ts';
const ROUTES = 'api/routes.ts';
const NEW_SESSIONS = 'api/new-sessions.ts';
const LIVE = 'api/live.ts';
const APP = 'app.ts';
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
  { category: 'origins', name: 'answers allow credentials', file: APP, right: 'maxAge: PREFLIGHT', wrong: 'credentials: true, maxAge: PREFLIGHT' },
  { category: 'types', name: 'every type passes', file: GUARDS, right: 'if (!JSON_OR_TEXT.test(', wrong: 'if (false && !JSON_OR_TEXT.test(' },
  { category: 'types', name: 'types that begin like JSON pass', file: GUARDS, right: String.raw`+json)?\s*(;|$)/i`, wrong: '+json)?/i' },
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
  { category: 'methods', name: 'no method is refused', file: APP, right: 'await refuseMethod(', wrong: 'void (refuseMethod, ' },
  { category: 'headers', name: 'types may be sniffed', file: ANSWERS, right: `'X-Content-Type-Options': 'nosniff',`, wrong: '' },
  { category: 'headers', name: 'errors may be cached', file: ANSWERS, right: `'Cache-Control': 'no-store',`, wrong: '' },
  { category: 'new sessions', name: 'new sessions are not limited', file: ROUTES, right: 'if (refusal !== undefined) return refusal;', wrong: '' },
  { category: 'new sessions', name: 'known sessions are limited, and refused where there is no room', file: ROUTES, right: 'if (!store.isKnown(sessionId))', wrong: 'if (true)' },
  { category: 'new sessions', name: 'sockets are not limited', file: LIVE, right: 'if (refusal !== undefined) return refusal;', wrong: '' },
  { category: 'new sessions', name: 'every IPv6 address is a client of its own', file: NEW_SESSIONS, right: '.slice(0, 4)', wrong: '' },
  { category: 'new sessions', name: 'the client says which address it has', file: NEW_SESSIONS, right: `c.req.header('CF-Connecting-IP')`, wrong: `(c.req.header('X-Forwarded-For') ?? c.req.header('CF-Connecting-IP'))` },
  { category: 'new sessions', name: 'a replica is never full', file: ROUTES, right: 'if (store.isFull())', wrong: 'if (false)' },
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
