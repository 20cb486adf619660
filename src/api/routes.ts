import { zValidator } from '@hono/zod-validator';
import { type Context, Hono } from 'hono';
import type { Bindings, Settings } from '../config';
import type { Defer, PresenceStore } from '../presence/presence-store';
import { jsonBody } from './guards';
import { type OpenLive, openLiveSocket } from './live';
import type { NewSessions } from './new-sessions';
import { problem, refuseInvalid } from './problems';
import { type Health, HeartbeatRequest, LeaveRequest, type LeaveResponse } from './schemas';

/** What the routes find in their context. */
export interface ApiEnv {
  Bindings: Bindings;
  Variables: {
    store: PresenceStore;
    settings: Settings;
    newSessions: NewSessions;
    openLive: OpenLive | undefined;
  };
}

const NO_STORE = { 'Cache-Control': 'no-store' };

export const routes = new Hono<ApiEnv>()
  .post('/api/heartbeat', jsonBody, zValidator('json', HeartbeatRequest, refuseInvalid), async (c) => {
    const { sessionId, mood } = c.req.valid('json');
    const { store, newSessions } = c.var;
    const refusal = store.isNew(sessionId) ? await newSessions.refuse(c) : undefined;
    if (refusal !== undefined) return refusal;
    if (!store.hasRoomFor(sessionId)) return problem(c, 'no-room');
    return c.json(await store.heartbeat(sessionId, mood, deferIn(c)), 200, NO_STORE);
  })

  .post('/api/leave', jsonBody, zValidator('json', LeaveRequest, refuseInvalid), async (c) => {
    await c.var.store.leave(c.req.valid('json').sessionId, deferIn(c));
    return c.json({ success: true } satisfies LeaveResponse, 200, NO_STORE);
  })

  .get('/api/presence', async (c) => {
    const { presenceCacheSeconds } = c.var.settings;
    const cacheControl = presenceCacheSeconds === 0 ? 'no-store' : `public, max-age=${presenceCacheSeconds}`;
    return c.json(await c.var.store.presence(deferIn(c)), 200, { 'Cache-Control': cacheControl });
  })

  .get('/api/live', (c) => openLiveSocket(c, c.var.openLive, c.var.newSessions))

  .get('/health', (c) => c.json(c.var.store.health() satisfies Health, 200, NO_STORE));

/** `waitUntil` of this request. Without an execution context, as in `app.request`, tasks run on by themselves. */
function deferIn(c: Context<ApiEnv>): Defer {
  return (task) => {
    try {
      c.executionCtx.waitUntil(task);
    } catch {
      // There is nothing that would keep the task alive.
    }
  };
}
