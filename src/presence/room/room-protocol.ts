import type { SessionRecords } from '../session';

/**
 * How far a replica has followed a room's news. The room counts them; a room that has lost its memory starts anew in
 * another `epoch`.
 */
export interface RoomVersion {
  readonly epoch: string;
  readonly number: number;
}

/** What a replica tells at a sync. Telling something twice changes nothing. */
export interface RoomReport {
  /** As of the last answer that came; undefined if there was none. */
  readonly known: RoomVersion | undefined;
  /** Sessions heard or left at this replica. */
  readonly heard: SessionRecords;
}

/** What the room answers. */
export interface RoomAnswer {
  readonly version: RoomVersion;
  /** `sessions` are all that the room counts, instead of those that are new. */
  readonly isAll: boolean;
  /**
   * Who came, went (`mood: null`) or changed the mood since the report's `known`; and, of the sessions in the report, those
   * of which the room knows something later.
   */
  readonly sessions: SessionRecords;
  /**
   * The room refuses new sessions: it holds as many as it can, or has refused one of this report. A refused session counts at
   * its own replica only, which sends it again with its next heartbeat. Version 1.0 neither sends nor reads this key.
   */
  readonly isFull?: true;
}

/** A room as its replicas see it. */
export interface RoomStub {
  sync(report: RoomReport): Promise<RoomAnswer>;
}

export const reportToWire = ({
  since,
  updates,
}: {
  since: RoomVersion | undefined;
  updates: SessionRecords;
}): RoomReport => ({
  known: since,
  heard: new Map([...updates].map(([id, { mood, lastSeen }]) => [id, { mood, lastSeen }])),
});

export const answerFromWire = ({ version, isAll, sessions, isFull }: RoomAnswer) => ({
  version,
  isSnapshot: isAll,
  sessions,
  isFull: isFull === true,
});

/** The one room there is. */
export const ROOM_NAME = 'world';
