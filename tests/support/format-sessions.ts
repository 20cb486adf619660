import { entryText, SessionsText } from '../../src/presence/sessions-text';
import type { StoredRecord } from '../../src/presence/stored-sessions';

/** Returns the stored value of a location with these sessions. */
export function formatSessions(sessions: Iterable<readonly [string, StoredRecord]>): string {
  const text = new SessionsText();
  for (const [key, record] of sessions) text.add(entryText(key, record, record.rests));
  return text.toString();
}
