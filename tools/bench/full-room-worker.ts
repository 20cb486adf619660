import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { ROOM_NAME, type RoomStub, type WireReport } from '../../src/presence/room/room-protocol';
import type { SessionRecord } from '../../src/presence/session';
import { DEFAULT_CHANNEL, sessionKey } from '../../src/presence/session-key';
import { sessionId } from '../../tests/support/session-id';
import { longChannelOf } from './long-channels';

/** Sessions in one call to the room. */
const CALL_SESSIONS = 10_000;

/** Calls the room as a replica does: it fills the room, and asks for all its sessions. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    // The namespace has no types for a class of another script.
    const room = env.PRESENCE_ROOM.getByName(ROOM_NAME) as unknown as RoomStub;
    if (pathname === '/all') {
      const askForAll = { known: undefined, heard: new Map(), channels: new Map() };
      const { sessions, channels, isFull = false } = await room.sync(askForAll);
      return Response.json({ sessions: sessions.size + (channels?.size ?? 0), isFull });
    }
    const isNamed = searchParams.has('named');
    const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
    let known: WireReport['known'] = JSON.parse(searchParams.get('known') ?? 'null') ?? undefined;
    for (let done = 0; done < count; done += CALL_SESSIONS) {
      const records = new Map<string, SessionRecord>();
      for (let n = from + done; n < from + Math.min(done + CALL_SESSIONS, count); n += 1) {
        const mood = pathname === '/leave' ? null : (MOODS[n % MOODS.length] ?? DEFAULT_MOOD);
        const channel = isNamed ? longChannelOf(n) : DEFAULT_CHANNEL;
        records.set(sessionKey(channel, sessionId(n)), { mood, lastSeen: Date.now() });
      }
      const report = isNamed ? { heard: new Map(), channels: records } : { heard: records };
      ({ version: known } = await room.sync({ known, ...report }));
    }
    return Response.json(known);
  },
} satisfies ExportedHandler<{ PRESENCE_ROOM: DurableObjectNamespace }>;
