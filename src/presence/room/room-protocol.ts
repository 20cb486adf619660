import type { SessionRecord, SessionRecords } from '../session';

// The messages of a sync between a replica and the room, and their form on the wire.

/** The name of the only room. */
export const ROOM_NAME = 'world';

export interface RoomStub {
  sync(report: WireReport): Promise<WireAnswer>;
}

/** What a replica sends at a sync. Sending it twice changes nothing. */
export interface RoomReport {
  /** The version of the last answer that arrived; undefined before the first one. */
  readonly since: RoomVersion | undefined;
  /** Heartbeats and leaves at this replica. */
  readonly updates: SessionRecords;
}

export interface RoomAnswer {
  readonly version: RoomVersion;
  /** `sessions` are all present sessions of the room, in place of changes. */
  readonly isSnapshot: boolean;
  /**
   * Sessions that changed after `since`, and outdated records of the report. `mood: null` means that the session left.
   */
  readonly sessions: SessionRecords;
  /**
   * The room is full, or refused a session of this report. A refused session counts at its own replica only. The replica
   * sends it again with its next heartbeat.
   */
  readonly isFull: boolean;
}

/** The number of the last change that a replica has. A room that lost its memory counts from 0 in another `epoch`. */
export interface RoomVersion {
  readonly epoch: string;
  readonly number: number;
}

/** A `RoomReport` with the keys of version 1.0. Version 1.0 reads no other keys. */
export type WireReport = Readonly<{ known: RoomVersion | undefined; heard: SessionRecords }>;

/** A `RoomAnswer` with the keys of version 1.0, and `isFull`, which 1.0 ignores. */
export type WireAnswer = Pick<RoomAnswer, 'version' | 'sessions'> & {
  readonly isAll: boolean;
  readonly isFull?: true;
};

export const reportToWire = ({ since, updates }: RoomReport): WireReport => ({
  known: since,
  heard: recordsToWire(updates),
});

export const reportFromWire = ({ known, heard }: WireReport): RoomReport => ({
  since: known,
  updates: heard,
});

export function answerToWire({ version, isFull, isSnapshot, sessions }: RoomAnswer): WireAnswer {
  return { version, ...(isFull && { isFull }), isAll: isSnapshot, sessions: recordsToWire(sessions) };
}

export function answerFromWire({ version, isAll, sessions, isFull }: WireAnswer): RoomAnswer {
  return { version, isSnapshot: isAll, sessions, isFull: isFull === true };
}

/** A copy whose records hold exactly what version 1.0 sends. */
function recordsToWire(records: SessionRecords): SessionRecords {
  const wire = new Map<string, SessionRecord>();
  for (const [id, { mood, lastSeen }] of records) wire.set(id, { mood, lastSeen });
  return wire;
}
