import type { SessionRecords } from '../session';

/**
 * How far a replica has followed a room's changes. The room numbers them. A room that lost its memory starts again in
 * another `epoch`.
 */
export interface RoomVersion {
  readonly epoch: string;
  readonly number: number;
}

/** What a replica sends at a sync. Sending it twice changes nothing. */
export interface RoomReport {
  /** The version of the last answer that arrived; undefined before the first one. */
  readonly since: RoomVersion | undefined;
  /** Heartbeats and leaves at this replica. */
  readonly updates: SessionRecords;
}

/** What the room answers. */
export interface RoomAnswer {
  readonly version: RoomVersion;
  /** `sessions` are all live sessions of the room, in place of changes. */
  readonly isSnapshot: boolean;
  /**
   * The sessions that came, went (`mood: null`) or changed the mood after the report's `since`; and those of the report of
   * which the room has a later record.
   */
  readonly sessions: SessionRecords;
  /**
   * The room holds as many sessions as it can, or refused one of this report. A refused session counts at its own replica
   * only, which sends it again with its next heartbeat.
   */
  readonly isFull: boolean;
}

/** A `RoomReport` with the keys of version 1.0, whose replicas and rooms know no others. */
export type WireReport = Readonly<{ known: RoomVersion | undefined; heard: SessionRecords }>;

/** A `RoomAnswer` with the keys of version 1.0, which neither sends nor reads `isFull`. */
export type WireAnswer = Pick<RoomAnswer, 'version' | 'sessions'> & {
  readonly isAll: boolean;
  readonly isFull?: true;
};

/** A room as its replicas see it. */
export interface RoomStub {
  sync(report: WireReport): Promise<WireAnswer>;
}

/** The name of the only room. */
export const ROOM_NAME = 'world';

/** Sends of each record just what 1.0 sends. */
export const reportToWire = ({ since, updates }: RoomReport): WireReport => ({
  known: since,
  heard: new Map([...updates].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }])),
});

export const reportFromWire = ({ known, heard }: WireReport): RoomReport => ({
  since: known,
  updates: heard,
});

export function answerToWire({ version, isFull, isSnapshot, sessions }: RoomAnswer): WireAnswer {
  return { version, ...(isFull && { isFull }), isAll: isSnapshot, sessions };
}

export function answerFromWire({ version, isAll, sessions, isFull }: WireAnswer): RoomAnswer {
  return { version, isSnapshot: isAll, sessions, isFull: isFull === true };
}
