import { LIVE_MESSAGES_MAX, LIVE_MESSAGES_WINDOW_MS, LIVE_SESSION_SOCKETS_MAX } from '../../limits';
import {
  type MoodCounts,
  overrules,
  type PresenceState,
  type SessionRecord,
  totalOf,
  ZERO_COUNTS,
} from '../session';
import {
  readAttachment,
  rememberChannel,
  rememberClosed,
  rememberSession,
  type SocketSession,
} from './socket-attachment';
import { CLOSE, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';

/** The counts of the last broadcast, by channel. A channel that is missing has zeros. */
export type Broadcasts = ReadonlyMap<string, MoodCounts>;

/**
 * The open sockets of a room by channel, and the session of each one that joined. Rules of presence are in `RoomSessions`.
 *
 * The attachments store channels and sessions, so a restarted object reads them back. The platform answers pings without the
 * object. The room reads the time of a ping at an alarm, at a leave, and when the session is about to expire.
 */
export class LiveSockets {
  readonly #sockets = new Map<SocketPort, LiveSocket>();
  /** A channel without sockets has no entry. */
  readonly #byChannel = new Map<string, ChannelSockets>();
  /** The sockets of each session, in the order in which they joined. */
  readonly #bySession = new Map<string, Set<LiveSocket>>();
  #revision = 0;

  /** @param lastBroadcasts Those from before the start of the object. */
  constructor(ports: Iterable<SocketPort>, lastBroadcasts: Broadcasts) {
    for (const port of ports) {
      // The platform lists a closed socket until its client answers the close.
      const attached = readAttachment(port);
      if (attached === undefined) continue;
      const { channel, session } = attached;
      const socket = this.#add(port, channel, lastBroadcasts.get(channel) ?? ZERO_COUNTS);
      if (session !== undefined) this.#assign(socket, session);
    }
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** The channels that have sockets. */
  get channels(): Iterable<string> {
    return this.#byChannel.keys();
  }

  hasSockets(channel: string): boolean {
    return this.#byChannel.has(channel);
  }

  /** The counts that all sockets of a channel have, except those that opened later. Undefined if the channel has no sockets. */
  lastBroadcast(channel: string): MoodCounts | undefined {
    return this.#byChannel.get(channel)?.lastBroadcast;
  }

  /** Grows with each broadcast. */
  get revision(): number {
    return this.#revision;
  }

  /** Returns undefined if the room closed the socket. */
  get(port: SocketPort): LiveSocket | undefined {
    return this.#sockets.get(port);
  }

  /** Yields the sessions of all sockets, each with its last message or ping. Walks over all sockets. */
  *sessions(): Generator<[string, SessionRecord]> {
    for (const [key, sockets] of this.#bySession) {
      const record = latestRecord(sockets);
      if (record !== undefined) yield [key, record];
    }
  }

  /** Returns when the last message or ping of a session arrived (ms). Undefined if no socket has the session. */
  lastSeen(key: string): number | undefined {
    return latestRecord(this.#bySession.get(key) ?? [])?.lastSeen;
  }

  open(port: SocketPort, channel: string, counts: MoodCounts, now: number): void {
    rememberChannel(port, channel);
    sendCounts([this.#add(port, channel, counts)], counts, now);
  }

  /** Sends the counts of a channel to its sockets, in a time that does not depend on other channels. */
  broadcast(channel: string, counts: MoodCounts, now: number): void {
    const channelSockets = this.#byChannel.get(channel);
    if (channelSockets === undefined) return;
    this.#revision += 1;
    channelSockets.lastBroadcast = { ...counts };
    sendCounts(channelSockets.sockets, counts, now);
  }

  /** Counts one message, and returns whether the socket sent too many. */
  countMessage(socket: LiveSocket, now: number): boolean {
    if (now >= socket.windowStart + LIVE_MESSAGES_WINDOW_MS) {
      socket.windowStart = now;
      socket.messagesInWindow = 0;
    }
    socket.messagesInWindow += 1;
    return socket.messagesInWindow > LIVE_MESSAGES_MAX;
  }

  /** Stores the session of a socket, or its new mood. Closes the oldest socket of a session that has too many. */
  join(socket: LiveSocket, session: SocketSession): void {
    rememberSession(socket.port, session);
    const sockets = this.#assign(socket, session);
    for (const oldest of sockets) {
      if (sockets.size <= LIVE_SESSION_SOCKETS_MAX) return;
      this.#close(oldest.port, CLOSE.tooManySockets);
    }
  }

  /** Stores the `lastSeen` that the room recorded for a session with all its sockets. */
  setRecordedAt(key: string, recordedAt: number): void {
    for (const socket of this.#bySession.get(key) ?? []) {
      if (socket.session === undefined || socket.session.recordedAt >= recordedAt) continue;
      socket.session = { ...socket.session, recordedAt };
      rememberSession(socket.port, socket.session);
    }
  }

  /** Closes a socket. Returns its session; undefined if the socket never joined, or if the room closed it before. */
  close(port: SocketPort, why: SocketClose): ClosedSocket | undefined {
    const socket = this.#sockets.get(port);
    // A close event can start the object. Then `getWebSockets` no longer lists the socket.
    const session = socket === undefined ? readAttachment(port)?.session : socket.session;
    this.#close(port, why);
    if (session === undefined) return undefined;
    const { key, mood } = session;
    const lastSeen = lastSeenOn(port, session);
    const recordedAt = Math.max(session.recordedAt, lastSeen);
    // Otherwise the close of the last socket treats this time as an HTTP heartbeat and keeps the session.
    this.setRecordedAt(key, recordedAt);
    return { key, mood, lastSeen, recordedAt, hasOtherSocket: this.#bySession.has(key) };
  }

  closeSession(key: string, why: SocketClose): void {
    for (const { port } of this.#bySession.get(key) ?? []) this.#close(port, why);
  }

  /** @param lastBroadcast Of a channel that has no sockets yet. */
  #add(port: SocketPort, channel: string, lastBroadcast: MoodCounts): LiveSocket {
    const socket = { port, channel, session: undefined, lastCounts: '', windowStart: 0, messagesInWindow: 0 };
    this.#sockets.set(port, socket);
    const others = this.#byChannel.get(channel);
    if (others !== undefined) others.sockets.add(socket);
    else this.#byChannel.set(channel, { sockets: new Set([socket]), lastBroadcast: { ...lastBroadcast } });
    return socket;
  }

  /** Lists the socket under its session. Returns all sockets of the session. */
  #assign(socket: LiveSocket, session: SocketSession): ReadonlySet<LiveSocket> {
    socket.session = session;
    const sockets = this.#bySession.get(session.key) ?? new Set();
    this.#bySession.set(session.key, sockets.add(socket));
    return sockets;
  }

  #close(port: SocketPort, { code, reason }: SocketClose): void {
    const socket = this.#sockets.get(port);
    this.#sockets.delete(port);
    if (socket !== undefined) {
      const sockets = this.#byChannel.get(socket.channel)?.sockets;
      sockets?.delete(socket);
      if (sockets?.size === 0) this.#byChannel.delete(socket.channel);
    }
    if (socket?.session !== undefined) {
      const { key } = socket.session;
      const sockets = this.#bySession.get(key);
      sockets?.delete(socket);
      if (sockets?.size === 0) this.#bySession.delete(key);
    }
    rememberClosed(port);
    port.close(code, reason);
  }
}

/** The sockets of a channel. */
interface ChannelSockets {
  readonly sockets: Set<LiveSocket>;
  lastBroadcast: MoodCounts;
}

/** An open socket. */
export interface LiveSocket {
  readonly port: SocketPort;
  readonly channel: string;
  session: SocketSession | undefined;
  /** The last sent counts, as JSON. */
  lastCounts: string;
  /** The start of the window in which messages are counted (ms). */
  windowStart: number;
  messagesInWindow: number;
}

/** The session of a socket that closed. `lastSeen` is the time of the last message or ping of this socket (ms). */
export interface ClosedSocket extends SessionRecord {
  readonly key: string;
  /**
   * The `lastSeen` that the room recorded for this socket, never before the last ping (ms). Otherwise the room treats a merged
   * ping as an HTTP heartbeat and keeps the session.
   */
  readonly recordedAt: number;
  readonly hasOtherSocket: boolean;
}

/** Returns the latest message or ping of a session on these sockets. */
function latestRecord(sockets: Iterable<LiveSocket>): SessionRecord | undefined {
  let latest: SessionRecord | undefined;
  for (const { port, session } of sockets) {
    if (session === undefined) continue;
    const record = { mood: session.mood, lastSeen: lastSeenOn(port, session) };
    if (latest === undefined || overrules(record, latest)) latest = record;
  }
  return latest;
}

const lastSeenOn = ({ lastPingAt }: SocketPort, { lastMessageAt }: SocketSession) =>
  Math.max(lastMessageAt, lastPingAt ?? 0);

/** Sends the counts to each socket that did not get the same ones last. */
function sendCounts(sockets: Iterable<LiveSocket>, moods: MoodCounts, now: number): void {
  const counts = JSON.stringify(moods);
  const text = JSON.stringify({ count: totalOf(moods), moods, timestamp: now } satisfies PresenceState);
  for (const socket of sockets) {
    if (socket.lastCounts === counts) continue;
    socket.lastCounts = counts;
    socket.port.send(text);
  }
}
