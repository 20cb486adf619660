import type { SessionRecord, SessionRecords } from '../session';
import { ChannelName, channelOf, DEFAULT_CHANNEL } from '../session-key';
import type { Entries } from './room-saver';

// The messages of a sync between a replica and the room, and their form on the wire.

/** The name of the only room. */
export const ROOM_NAME = 'world';

/**
 * A room that knows channels sends this header when it opens a socket. A room of version 1.0 ignores the path, and opens the socket in
 * the default channel.
 */
export const CHANNELS_HEADER = 'Presence-Room-Channels';

/** The address in the room that opens a socket in a channel. */
export const urlOfChannel = (channel: string): string => `http://room/channels/${channel}`;

/** The channel of such an address. Isolates of version 1.0 send that of their client, which is in the default channel. */
export function channelOfUrl(url: string): string {
  const name = /^\/channels\/([^/]*)$/.exec(new URL(url).pathname)?.[1];
  return ChannelName.safeParse(name).data ?? DEFAULT_CHANNEL;
}

export interface RoomStub {
  sync(report: WireReport): Promise<WireAnswer>;
}

/** What a replica sends at a sync. Sending it twice changes nothing. */
export interface RoomReport {
  /** The version of the last answer that arrived; undefined before the first one. */
  readonly since: RoomVersion | undefined;
  /** Heartbeats and leaves at this replica. */
  readonly updates: Entries;
  /** Whether the replica wants the sessions of named channels. */
  readonly wantsChannels: boolean;
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
   * The room is full, or refused a session of this report for that reason. A refused session counts at its own replica only. The
   * replica sends it again with its next heartbeat. A channel beyond the maximum does not set this.
   */
  readonly isFull: boolean;
  /** Whether `sessions` has those of named channels, if there are any. */
  readonly includesChannels: boolean;
}

/** The number of the last change that a replica has. A room that lost its memory counts from 0 in another `epoch`. */
export interface RoomVersion {
  readonly epoch: string;
  readonly number: number;
}

/**
 * A `RoomReport` with the keys of version 1.0, which reads no other keys. `channels` holds the updates of named channels, and asks
 * for those of others. Under `heard`, a room of version 1.0 would count them in the default channel.
 */
export type WireReport = Readonly<{ known: RoomVersion | undefined; heard: SessionRecords }> & {
  readonly channels?: SessionRecords;
};

/**
 * A `RoomAnswer` with the keys of version 1.0, and two that 1.0 ignores. `channels` holds the sessions of named channels, if the
 * report asked for them.
 */
export type WireAnswer = Pick<RoomAnswer, 'version' | 'sessions'> & {
  readonly isAll: boolean;
  readonly isFull?: true;
  readonly channels?: SessionRecords;
};

export function reportToWire({ since, updates, wantsChannels }: RoomReport): WireReport {
  const { ofDefault, ofOthers } = recordsToWire(updates);
  return { known: since, heard: ofDefault, ...(wantsChannels && { channels: ofOthers }) };
}

export function reportFromWire({ known, heard, channels }: WireReport): RoomReport {
  return { since: known, updates: both(heard, channels), wantsChannels: channels !== undefined };
}

export function answerToWire(answer: RoomAnswer): WireAnswer {
  const { version, isFull, isSnapshot, includesChannels, sessions } = answer;
  const { ofDefault, ofOthers } = recordsToWire(sessions);
  return {
    version,
    ...(isFull && { isFull }),
    isAll: isSnapshot,
    sessions: ofDefault,
    ...(includesChannels && { channels: ofOthers }),
  };
}

export function answerFromWire({ version, isAll, sessions, channels, isFull }: WireAnswer): RoomAnswer {
  const all = channels === undefined ? sessions : new Map(both(sessions, channels));
  const includesChannels = channels !== undefined;
  return { version, isSnapshot: isAll, sessions: all, isFull: isFull === true, includesChannels };
}

/** Copies, by kind of channel, whose records hold exactly what version 1.0 sends. */
function recordsToWire(records: Entries) {
  const ofDefault = new Map<string, SessionRecord>();
  const ofOthers = new Map<string, SessionRecord>();
  for (const [key, { mood, lastSeen }] of records)
    (channelOf(key) === DEFAULT_CHANNEL ? ofDefault : ofOthers).set(key, { mood, lastSeen });
  return { ofDefault, ofOthers };
}

function* both(
  first: SessionRecords,
  second: SessionRecords = new Map(),
): Generator<[string, SessionRecord]> {
  yield* first;
  yield* second;
}
