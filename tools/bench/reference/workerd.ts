import { MOODS } from '../../../src/moods';
import type { PresenceState } from '../../../src/presence/session';

// The least that workerd can do for these two requests: no framework, no validation, no rule.

const moods = Object.fromEntries(MOODS.map((mood) => [mood, 0])) as PresenceState['moods'];
const sessions = new Map<string, unknown>();
const state = (): PresenceState => ({ count: sessions.size, moods, timestamp: Date.now() });

export default {
  async fetch(request) {
    if (request.method === 'POST') {
      const { sessionId, mood } = await request.json<{ sessionId: string; mood: unknown }>();
      sessions.set(sessionId, mood);
    }
    return Response.json(state());
  },
} satisfies ExportedHandler;
