import { Hono } from 'hono';
import { MOODS } from '../../../src/moods';
import type { PresenceState } from '../../../src/presence/session';

// The least that an API with these two requests can do: no validation, no rule. Its cost is the cost of the framework.

const moods = Object.fromEntries(MOODS.map((mood) => [mood, 0])) as PresenceState['moods'];
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
