import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { HeartbeatRequest } from '../../../src/api/request-schemas';
import { type Mood, type PresenceState, ZERO_COUNTS } from '../../../src/presence/session';

// The design that this project replaces. One key holds all sessions, and every heartbeat reads, changes and writes it.

const KEY = 'presence:sessions';
const TTL_MS = 600_000;
type Sessions = Record<string, { mood: Mood; lastSeen: number }>;

const app = new Hono<{ Bindings: { PRESENCE_KV: KVNamespace } }>().post(
  '/api/heartbeat',
  zValidator('json', HeartbeatRequest),
  async (c) => {
    const { sessionId, mood } = c.req.valid('json');
    const now = Date.now();
    const sessions = (await c.env.PRESENCE_KV.get<Sessions>(KEY, 'json')) ?? {};
    sessions[sessionId] = { mood, lastSeen: now };
    const moods = { ...ZERO_COUNTS };
    let count = 0;
    for (const [id, session] of Object.entries(sessions)) {
      if (session.lastSeen <= now - TTL_MS) delete sessions[id];
      else {
        moods[session.mood] += 1;
        count += 1;
      }
    }
    await c.env.PRESENCE_KV.put(KEY, JSON.stringify(sessions), { expirationTtl: TTL_MS / 1000 });
    return c.json({ count, moods, timestamp: now } satisfies PresenceState);
  },
);

export default app;
