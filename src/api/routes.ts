import { zValidator } from '@hono/zod-validator';
import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import type { Settings } from '../config';
import { BADGE_CACHE_SECONDS, HISTORY_INTERVAL_MS } from '../limits';
import type { HistoryReader } from '../presence/history-reader';
import type { PresenceStore } from '../presence/presence-store';
import type { Mood, PresenceState } from '../presence/session';
import { DEFAULT_CHANNEL, sessionKey } from '../presence/session-key';
import type { LeaveResponse } from './answer-schemas';
import { type Answering, json } from './answers';
import { badgeOf } from './badge';
import { refuseChannel, refuseChannels } from './channels';
import { deferIn } from './defer';
import { jsonBody } from './guards';
import { healthOf } from './health';
import { type OpenLive, openLiveSocket } from './live';
import type { NewSessions } from './new-sessions';
import { problem, refuseBody, refuseQuery } from './problems';
import { BadgeQuery, ChannelNames, ChannelParam, HeartbeatRequest, LeaveRequest } from './request-schemas';

export interface ApiEnv {
  Variables: { service: Service };
}

/** The parts that all requests of an isolate share, as the context variable `service`. */
export interface Service extends Answering {
  readonly settings: Settings;
  readonly store: PresenceStore;
  readonly newSessions: NewSessions;
  readonly openLive: OpenLive | undefined;
  /** Undefined without the room. */
  readonly history: HistoryReader | undefined;
  /** Whether each request has different bindings, and so a replica of its own. */
  readonly hasManyReplicas: () => boolean;
}

const inChannel = zValidator('param', ChannelParam, refuseChannel);
const heartbeatBody = zValidator('json', HeartbeatRequest, refuseBody);
const leaveBody = zValidator('json', LeaveRequest, refuseBody);

export const routes = new Hono<ApiEnv>()
  .post('/api/heartbeat', jsonBody, heartbeatBody, (c) => {
    const { sessionId, mood } = c.req.valid('json');
    return heartbeat(c, sessionId, mood);
  })

  .post('/api/leave', jsonBody, leaveBody, (c) => leave(c, c.req.valid('json').sessionId))

  .get('/api/presence', (c) => presence(c, DEFAULT_CHANNEL))

  .get('/api/live', (c) => openLiveSocket(c, c.get('service'), DEFAULT_CHANNEL))

  .get('/api/history', async (c) => {
    const { history } = c.get('service');
    if (history === undefined) return problem(c, 'no-history');
    const answer = await history.read(deferIn(c));
    if (answer === undefined) return problem(c, 'history-unavailable');
    return json(c, answer, 200, cacheFor(HISTORY_INTERVAL_MS / 1_000));
  })

  .get('/api/badge', zValidator('query', BadgeQuery, refuseQuery), async (c) => {
    const { count } = await c.get('service').store.presence(deferIn(c));
    return json(c, badgeOf(count, c.req.valid('query').label), 200, cacheFor(BADGE_CACHE_SECONDS));
  })

  .get('/api/channels', zValidator('query', ChannelNames, refuseChannels), async (c) => {
    const { store } = c.get('service');
    return json(c, await store.channels(c.req.valid('query').names, deferIn(c)), 200, cachingIn(c));
  })

  // The name is checked first, otherwise the Worker reads a body that it refuses.
  .post('/api/channels/:channel/heartbeat', inChannel, jsonBody, heartbeatBody, (c) => {
    const { sessionId, mood } = c.req.valid('json');
    return heartbeat(c, sessionKey(c.req.valid('param').channel, sessionId), mood);
  })

  .post('/api/channels/:channel/leave', inChannel, jsonBody, leaveBody, (c) =>
    leave(c, sessionKey(c.req.valid('param').channel, c.req.valid('json').sessionId)),
  )

  .get('/api/channels/:channel/presence', inChannel, (c) => presence(c, c.req.valid('param').channel))

  .get('/api/channels/:channel/live', inChannel, (c) =>
    openLiveSocket(c, c.get('service'), c.req.valid('param').channel),
  )

  .get('/health', (c) => json(c, healthOf(c.get('service'))));

async function heartbeat(c: Context<ApiEnv>, key: string, mood: Mood) {
  const { store, newSessions } = c.get('service');
  const isWithinLimit = (opensChannel: boolean) => newSessions.isWithinLimit(c, opensChannel);
  const answer = await store.heartbeat(key, mood, deferIn(c), isWithinLimit);
  if (answer === 'over-limit') return problem(c, 'too-many-new-sessions');
  if (answer === 'full') return problem(c, 'full');
  return json(c, answer);
}

async function leave(c: Context<ApiEnv>, key: string) {
  await c.get('service').store.leave(key, deferIn(c));
  return json(c, { success: true } satisfies LeaveResponse);
}

function presence(c: Context<ApiEnv>, channel: string) {
  const answer = (state: PresenceState) => json(c, state, 200, cachingIn(c));
  const state = c.get('service').store.presence(deferIn(c), channel);
  return state instanceof Promise ? state.then(answer) : answer(state);
}

/** Returns the header of an answer that caches may keep, or undefined for `no-store`. */
function cachingIn(c: Context<ApiEnv>) {
  const { presenceCacheSeconds: seconds } = c.get('service').settings;
  return seconds === 0 ? undefined : cacheFor(seconds);
}

const cacheFor = (seconds: number) => ({ 'Cache-Control': `public, max-age=${seconds}` });
