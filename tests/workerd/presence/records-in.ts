import type { SessionRecord, SessionRecords } from '../../../src/presence/session';

/** Returns the mood and the stamp of each session, without its expiry. */
export function recordsIn(sessions: SessionRecords): Map<string, SessionRecord> {
  return new Map([...sessions].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }]));
}
