import type { SessionRecord, SessionRecords } from '../session';
import { ChannelName, channelOf, DEFAULT_CHANNEL } from '../session-key';
import type { Entries } from './room-saver';

// The messages of a sync between a replica and the room, and their form on the wire.

/** The name of the only room. */
export const ROOM_NAME = 'world';

/**
 * A room with channels sends this header when it opens a socket. A room of version 1.0 ignores the path, and opens the socket in the
 * default channel.
 */
export const CHANNELS_HEADER = 'Presence-Room-Channels';

/** Returns the URL that opens a socket in a channel of the room. */
export const urlOfChannel = (channel: string): string => `http://room/channels/${channel}`;

/** Returns the channel of such a URL. For any other URL it is the default channel: isolates of version 1.0 send that of their client. */
export function channelOfUrl(url: string): string {
  const name = /^\/channels\/([^/]*)$/.exec(new URL(url).pathname)?.[1];
  return ChannelName.safeParse(name).data ?? DEFAULT_CHANNEL;
}

export interface RoomStub {
  sync(report: WireReport): Promise<WireAnswer>;
}

/** The message of a replica at a sync. A second arrival of it changes nothing. */
export interface RoomReport {
  /** The version of the last answer that arrived; undefined before the first one. */
  readonly since: RoomVersion | undefined;
  /** Heartbeats and leaves at this replica. */
  readonly updates: Entries;
  /** Whether the replica wants the sessions of named channels. */
  readonly wantsChannels: boolean;
}

/** The answer of the room to a `RoomReport`. */
export interface RoomAnswer {
  readonly version: RoomVersion;
  /** `sessions` are all present sessions of the room, and not only changes. */
  readonly isSnapshot: boolean;
  /** Sessions that changed after `since`, and those with an outdated record in the report. `mood: null`: the session ended. */
  readonly sessions: SessionRecords;
  /**
   * The room is full, or was full when it refused a session of this report. A refused session counts at its own replica only. The
   * replica sends it again with its next heartbeat. A refused channel does not set this.
   */
  readonly isFull: boolean;
  /** Whether `sessions` has those of named channels, if there are any. */
  readonly includesChannels: boolean;
}

/** The number of the last change that a replica has. A restarted room counts in another `epoch`. */
export interface RoomVersion {
  readonly epoch: string;
  readonly number: number;
}

/**
 * A `RoomReport` with the keys of version 1.0, which reads no other keys. `channels` holds the updates of named channels, and requests
 * those of other replicas. A room of version 1.0 counts all sessions under `heard` in the default channel.
 */
export type WireReport = Readonly<{ known: RoomVersion | undefined; heard: SessionRecords }> & {
  readonly channels?: SessionRecords;
};

/**
 * A `RoomAnswer` with the keys of version 1.0, and two that 1.0 ignores. `channels` holds the sessions of named channels, if the
 * report requests them.
 */
export type WireAnswer = Pick<RoomAnswer, 'version' | 'sessions'> & {
  readonly isAll: boolean;
  readonly isFull?: true;
  readonly channels?: SessionRecords;
};

export function reportToWire({ since, updates, wantsChannels }: RoomReport): WireReport {
  const { ofDefault, ofNamed } = recordsToWire(updates);
  return { known: since, heard: ofDefault, ...(wantsChannels && { channels: ofNamed }) };
}

export function reportFromWire({ known, heard, channels }: WireReport): RoomReport {
  return { since: known, updates: concat(heard, channels), wantsChannels: channels !== undefined };
}

export function answerToWire(answer: RoomAnswer): WireAnswer {
  const { version, isFull, isSnapshot, includesChannels, sessions } = answer;
  const { ofDefault, ofNamed } = recordsToWire(sessions);
  return {
    version,
    ...(isFull && { isFull }),
    isAll: isSnapshot,
    sessions: ofDefault,
    ...(includesChannels && { channels: ofNamed }),
  };
}

export function answerFromWire({ version, isAll, sessions, channels, isFull }: WireAnswer): RoomAnswer {
  const all = channels === undefined ? sessions : new Map(concat(sessions, channels));
  const includesChannels = channels !== undefined;
  return { version, isSnapshot: isAll, sessions: all, isFull: isFull === true, includesChannels };
}

/** Copies the records by kind of channel. A copy has only the keys that version 1.0 sends. */
function recordsToWire(records: Entries) {
  const ofDefault = new Map<string, SessionRecord>();
  const ofNamed = new Map<string, SessionRecord>();
  for (const [key, { mood, lastSeen }] of records)
    (channelOf(key) === DEFAULT_CHANNEL ? ofDefault : ofNamed).set(key, { mood, lastSeen });
  return { ofDefault, ofNamed };
}

function* concat(
  first: SessionRecords,
  second: SessionRecords = new Map(),
): Generator<[string, SessionRecord]> {
  yield* first;
  yield* second;
}
