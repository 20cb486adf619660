import type { SessionRecord, SessionRecords } from '../session';
import type { LiveSockets } from './live-sockets';
import type { RoomSessions } from './room-sessions';

/**
 * Merges the saved sessions of a restarted room as of its last save, at `savedAt` (ms). The room expires them afterwards. So each end
 * gets its own time in the history, and not the time of the start.
 *
 * A session with a socket may look expired in the journal, because pings are not saved at once. It stays, with its saved mood.
 */
export function restoreSessions(
  rows: Iterable<SessionRecords>,
  savedAt: number,
  sessions: RoomSessions,
  sockets: Pick<LiveSockets, 'lastSeen'>,
): void {
  const pinging = new Map<string, SessionRecord>();
  for (const row of rows) {
    for (const [key, record] of row) {
      const isExpired = sessions.merge(key, record, savedAt, true) === 'expired';
      // A later row has the later record.
      if (isExpired && sockets.lastSeen(key) !== undefined) pinging.set(key, record);
      else pinging.delete(key);
    }
  }
  for (const [key, { mood }] of pinging) {
    // `Room.applyPings` merges a later ping, and so saves it.
    const lastSeen = Math.min(sockets.lastSeen(key) ?? 0, savedAt);
    if (mood !== null) sessions.merge(key, { mood, lastSeen }, savedAt, true);
  }
}
