import { Hono } from 'hono';
import type { PresenceState } from '../../../src/presence/session';

// The least that an API with these two requests can do: no validation, no rule. What it costs is what the framework costs.

const moods = { gratitude: 0, presence: 0, release: 0, connection: 0 };
const sessions = new Map<string, unknown>();
const state = (): PresenceState => ({ count: sessions.size, moods, timestamp: Date.now() });

const app = new Hono()
  .get('/api/presence', (c) => c.json(state()))
  .post('/api/heartbeat', async (c) => {
    const { sessionId, mood } = await c.req.json();
    sessions.set(sessionId, mood);
    return c.json(state());
  });

export default app;
