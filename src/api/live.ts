import type { Context } from 'hono';
import { LIVE_RETRY_SECONDS } from '../config';
import type { NewSessions } from './new-sessions';
import { problem } from './problems';

/** Answers of a service that has live sockets carry this header, with the value 1. */
export const LIVE_HEADER = 'Presence-Live';

/** Opens a live socket. Rejects, or answers with another status than 101, when the room cannot. */
export type OpenLive = (request: Request) => Promise<Response>;

/**
 * Upgrades to a live socket. Its messages don't pass here any more; `LiveSockets` reads them. Whether one of them brings a
 * new session nobody knows yet, so every socket counts as one; it holds one session at a time.
 */
export async function openLiveSocket(
  c: Context,
  open: OpenLive | undefined,
  newSessions: NewSessions,
): Promise<Response> {
  if (open === undefined) {
    const detail =
      'Live sockets come with the Durable Object hub: set the variable PRESENCE_HUB to durable-object.';
    return problem(c, 'no-live-sockets', { detail });
  }
  // Hono asks this for HEAD, too.
  if (c.req.method !== 'GET' || c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    const detail = 'Open a WebSocket with this address.';
    return problem(c, 'upgrade-required', { detail }, { Upgrade: 'websocket' });
  }
  const refusal = await newSessions.refuse(c);
  if (refusal !== undefined) return refusal;
  const response = await open(c.req.raw).catch(() => undefined);
  if (response?.status === 101) return response;
  const detail = 'The room is away or full. Heartbeats are counted as ever.';
  return problem(c, 'live-unavailable', { detail }, { 'Retry-After': String(LIVE_RETRY_SECONDS) });
}
