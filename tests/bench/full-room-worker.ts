import { ROOM_NAME, type RoomReport, type RoomStub } from '../../src/presence/room-protocol';
import { MOODS, type SessionRecord } from '../../src/presence/session';
import { sessionId } from '../session-id';

/** A replica of its own isolate, which fills the room and asks it for everything. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get('count'));
    const from = Number(searchParams.get('from'));
    const room = env.PRESENCE_ROOM.getByName(ROOM_NAME) as unknown as RoomStub;
    const lastSeen = Date.now();
    const report = (known: RoomReport['known'], first: number, size: number, left: boolean): RoomReport => ({
      known,
      heard: new Map<string, SessionRecord>(
        Array.from({ length: size }, (_, k) => {
          const mood = MOODS[k % MOODS.length] ?? 'presence';
          return [sessionId(first + k), { mood: left ? null : mood, lastSeen }];
        }),
      ),
    });
    if (pathname === '/all') {
      const answer = await room.sync({ known: undefined, heard: new Map() });
      return Response.json({ sessions: answer.sessions.size, isFull: answer.isFull ?? false });
    }
    const chunk = Number(searchParams.get('chunk') ?? 10_000);
    let known: RoomReport['known'] = JSON.parse(searchParams.get('known') ?? 'null') ?? undefined;
    for (let done = 0; done < count; done += chunk) {
      const size = Math.min(chunk, count - done);
      ({ version: known } = await room.sync(report(known, from + done, size, pathname === '/leave')));
    }
    return Response.json(known);
  },
} satisfies ExportedHandler<{ PRESENCE_ROOM: DurableObjectNamespace }>;
