import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { HeartbeatRequest } from '../../../src/api/request-schemas';
import { type PresenceState, ZERO_COUNTS } from '../../../src/presence/session';

// The bare API with the validator and the schema of this project.

const sessions = new Map<string, unknown>();
const state = (): PresenceState => ({ count: sessions.size, moods: ZERO_COUNTS, timestamp: Date.now() });

const app = new Hono().post('/api/heartbeat', zValidator('json', HeartbeatRequest), (c) => {
  const { sessionId, mood } = c.req.valid('json');
  sessions.set(sessionId, mood);
  return c.json(state());
});

export default app;
