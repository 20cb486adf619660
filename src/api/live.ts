import type { Context } from 'hono';
import type { PresenceStore } from '../presence/presence-store';
import { DEFAULT_CHANNEL } from '../presence/session-key';
import { type Answering, headersWithoutBody } from './answers';
import { deferIn } from './defer';
import type { NewSessions } from './new-sessions';
import { problem } from './problems';

/** Opens a live socket in a channel. On failure it resolves to another status than 101, or to undefined. Never rejects. */
export type OpenLive = (channel: string, headers: Headers) => Promise<Response | undefined>;

/**
 * Upgrades a request to a live socket, or answers with a problem. The room reads the messages of a socket, so no limiter sees a new
 * session in one of them. Therefore every socket counts as one new session, and holds at most one. A socket may open an empty channel.
 */
export async function openLiveSocket(c: Context, service: LiveService, channel: string) {
  const { openLive: open, newSessions, store } = service;
  if (open === undefined) return problem(c, 'no-live-sockets');
  // Hono calls this handler for HEAD too.
  if (c.req.method !== 'GET' || c.req.header('Upgrade')?.toLowerCase() !== 'websocket')
    return problem(c, 'upgrade-required');
  const isInEmptyChannel = channel !== DEFAULT_CHANNEL && (await store.wouldOpen(channel, deferIn(c)));
  if (!(await newSessions.isWithinLimit(c, isInEmptyChannel, 'live ')))
    return problem(c, 'too-many-new-sessions');
  const response = await open(channel, c.req.raw.headers);
  if (response?.status !== 101) return problem(c, 'live-unavailable');
  // A new response, because `fetch` returns immutable headers, and middleware of an outer app may add some.
  return new Response(null, {
    status: 101,
    headers: headersWithoutBody(c, service),
    webSocket: response.webSocket,
  });
}

/** The part of the context variable `service` that live sockets use. */
interface LiveService extends Answering {
  /** Undefined without the room. */
  readonly openLive: OpenLive | undefined;
  readonly newSessions: NewSessions;
  readonly store: Pick<PresenceStore, 'wouldOpen'>;
}
