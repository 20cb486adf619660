import type { Mood, SessionRecord } from '../../../../src/presence/session';

export const record = (mood: Mood | null, lastSeen: number): SessionRecord => ({ mood, lastSeen });

/** No session has a live socket. */
export const noSockets = () => undefined;
