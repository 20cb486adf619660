import type { SessionRecord, SessionRecords } from '../../../src/presence/session';

/** The mood and the time of each session, without what else its replica keeps of it. */
export function recordsIn(sessions: SessionRecords): Map<string, SessionRecord> {
  return new Map([...sessions].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }]));
}
