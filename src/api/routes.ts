import { zValidator } from '@hono/zod-validator';
import { type Context, Hono } from 'hono';
import type { Settings } from '../config';
import type { PresenceStore } from '../presence/presence-store';
import type { Defer } from '../presence/sync-loop';
import { type Answering, json } from './answers';
import { jsonBody } from './guards';
import { healthOf } from './health';
import { type OpenLive, openLiveSocket } from './live';
import type { NewSessions } from './new-sessions';
import { problem, refuseInvalid } from './problems';
import { HeartbeatRequest, LeaveRequest, type LeaveResponse } from './schemas';

export interface ApiEnv {
  Variables: { service: Service };
}

/** What all requests of an isolate share. */
export interface Service extends Answering {
  readonly settings: Settings;
  readonly store: PresenceStore;
  readonly newSessions: NewSessions;
  readonly openLive: OpenLive | undefined;
  /** Whether each request has different bindings, and so a replica of its own. */
  readonly hasManyReplicas: () => boolean;
}

export const routes = new Hono<ApiEnv>()
  .post('/api/heartbeat', jsonBody, zValidator('json', HeartbeatRequest, refuseInvalid), async (c) => {
    const { sessionId, mood } = c.req.valid('json');
    const { store, newSessions } = c.get('service');
    const answer = await store.heartbeat(sessionId, mood, deferIn(c), () => newSessions.isWithinLimit(c));
    if (answer === 'over-limit') return problem(c, 'too-many-new-sessions');
    if (answer === 'full') return problem(c, 'full');
    return json(c, answer);
  })

  .post('/api/leave', jsonBody, zValidator('json', LeaveRequest, refuseInvalid), async (c) => {
    await c.get('service').store.leave(c.req.valid('json').sessionId, deferIn(c));
    return json(c, { success: true } satisfies LeaveResponse);
  })

  .get('/api/presence', async (c) => {
    const { store, settings } = c.get('service');
    const { presenceCacheSeconds: seconds } = settings;
    const caching = seconds === 0 ? undefined : { 'Cache-Control': `public, max-age=${seconds}` };
    return json(c, await store.presence(deferIn(c)), 200, caching);
  })

  .get('/api/live', (c) => openLiveSocket(c, c.get('service')))

  .get('/health', (c) => json(c, healthOf(c.get('service'))));

/** `waitUntil` of this request. */
function deferIn(c: Context<ApiEnv>): Defer {
  return (task) => {
    try {
      c.executionCtx.waitUntil(task);
    } catch {
      // `app.request` has no execution context. The task runs without one.
    }
  };
}
