import type { Context } from 'hono';
import type { NewSessions } from './new-sessions';
import { problem } from './problems';

/** Opens a live socket. Answers with another status than 101, or nothing, when the room cannot. Never rejects. */
export type OpenLive = (request: Request) => Promise<Response | undefined>;

/**
 * Upgrades to a live socket. Its messages don't pass here any more; `LiveSockets` reads them. Whether one of them brings a
 * new session nobody knows yet, so every socket counts as one; it holds one session at a time.
 */
export async function openLiveSocket(c: Context, open: OpenLive | undefined, newSessions: NewSessions) {
  if (open === undefined) return problem(c, 'no-live-sockets');
  // Hono asks this for HEAD, too.
  if (c.req.method !== 'GET' || c.req.header('Upgrade')?.toLowerCase() !== 'websocket')
    return problem(c, 'upgrade-required');
  if (!(await newSessions.isWithinLimit(c))) return problem(c, 'too-many-new-sessions');
  // The address of the request has what the client sent as `Host`, and `fetch` throws if that is no host.
  const response = await open(new Request('http://room/', { headers: c.req.raw.headers }));
  if (response?.status !== 101) return problem(c, 'live-unavailable');
  // The headers of what `fetch` returns are immutable, and middleware around this app may add some.
  return new Response(null, { status: 101, headers: response.headers, webSocket: response.webSocket });
}
