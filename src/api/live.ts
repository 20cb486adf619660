import type { Context } from 'hono';
import { type Answering, headersWithoutBody } from './answers';
import type { NewSessions } from './new-sessions';
import { problem } from './problems';

/** Opens a live socket in the room. On failure it resolves to another status than 101, or to undefined. Never rejects. */
export type OpenLive = (request: Request) => Promise<Response | undefined>;

/**
 * Upgrades to a live socket. The room reads its messages, so a new session in one of them passes no limiter. Therefore every
 * socket counts as one new session; a socket holds one session at a time.
 */
export async function openLiveSocket(c: Context, service: LiveService) {
  const { openLive: open, newSessions } = service;
  if (open === undefined) return problem(c, 'no-live-sockets');
  // Hono calls this handler for HEAD too.
  if (c.req.method !== 'GET' || c.req.header('Upgrade')?.toLowerCase() !== 'websocket')
    return problem(c, 'upgrade-required');
  if (!(await newSessions.isWithinLimit(c))) return problem(c, 'too-many-new-sessions');
  // Not the request's own URL: `fetch` throws if the client sent an invalid `Host`.
  const response = await open(new Request('http://room/', { headers: c.req.raw.headers }));
  if (response?.status !== 101) return problem(c, 'live-unavailable');
  // A new response, because `fetch` returns immutable headers, and middleware of an outer app may add some.
  const headers = headersWithoutBody(c, service);
  for (const [name, value] of response.headers) headers.set(name, value);
  return new Response(null, { status: 101, headers, webSocket: response.webSocket });
}

/** The part of the context variable `service` that live sockets use. */
interface LiveService extends Answering {
  /** Undefined without the room. */
  readonly openLive: OpenLive | undefined;
  readonly newSessions: NewSessions;
}
