import type { RoomSessions } from '../../../../src/presence/room/room-sessions';
import type { Mood, SessionRecord } from '../../../../src/presence/session';

export const record = (mood: Mood | null, lastSeen: number): SessionRecord => ({ mood, lastSeen });

/** When the sockets of a session were last seen, for sessions without sockets. */
export const noSockets = () => undefined;

/** Expires sessions, and returns the keys of the sessions that ended. */
export function expire(
  room: RoomSessions,
  now: number,
  socketsLastSeen: (key: string) => number | undefined = noSockets,
): string[] {
  const expired: string[] = [];
  room.expire(now, {
    lastSeen: socketsLastSeen,
    onExpired: (key) => expired.push(key),
    onRefreshed: () => undefined,
  });
  return expired;
}
