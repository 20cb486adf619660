import { DEFAULT_MOOD, MOODS } from '../../src/moods';
import { ROOM_NAME, type RoomStub, type WireReport } from '../../src/presence/room/room-protocol';
import type { SessionRecord } from '../../src/presence/session';
import { DEFAULT_CHANNEL, sessionKey } from '../../src/presence/session-key';
import { sessionId } from '../../tests/support/session-id';
import { longChannelOf } from './long-channels';

/** Sessions in one call to the room. */
const CALL_SESSIONS = 10_000;

/** A replica in an isolate of its own: it fills the room, and asks for everything. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    // The types of a namespace know no methods of a class in another script.
    const room = env.PRESENCE_ROOM.getByName(ROOM_NAME) as unknown as RoomStub;
    if (pathname === '/all') {
      const nothing = { known: undefined, heard: new Map(), channels: new Map() };
      const { sessions, channels, isFull = false } = await room.sync(nothing);
      return Response.json({ sessions: sessions.size + (channels?.size ?? 0), isFull });
    }
    const isNamed = searchParams.has('named');
    const [from, count] = [Number(searchParams.get('from')), Number(searchParams.get('count'))];
    let known: WireReport['known'] = JSON.parse(searchParams.get('known') ?? 'null') ?? undefined;
    for (let done = 0; done < count; done += CALL_SESSIONS) {
      const heard = new Map<string, SessionRecord>();
      for (let n = from + done; n < from + Math.min(done + CALL_SESSIONS, count); n += 1) {
        const mood = pathname === '/leave' ? null : (MOODS[n % MOODS.length] ?? DEFAULT_MOOD);
        const channel = isNamed ? longChannelOf(n) : DEFAULT_CHANNEL;
        heard.set(sessionKey(channel, sessionId(n)), { mood, lastSeen: Date.now() });
      }
      const report = isNamed ? { heard: new Map(), channels: heard } : { heard };
      ({ version: known } = await room.sync({ known, ...report }));
    }
    return Response.json(known);
  },
} satisfies ExportedHandler<{ PRESENCE_ROOM: DurableObjectNamespace }>;
