import * as z from 'zod';
import { LIVE_MESSAGES_MAX, LIVE_MESSAGES_WINDOW_MS, LIVE_SESSION_SOCKETS_MAX } from '../../limits';
import {
  Mood,
  type MoodCounts,
  overrules,
  type PresenceState,
  SessionId,
  type SessionRecord,
  totalOf,
} from '../session';
import { CLOSE, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';

/**
 * The open sockets of a room, and the session of each one that joined. It applies no rule of presence.
 *
 * The attachments store the sessions, so a restarted object reads them back. The platform answers pings without the object.
 * The room sees a ping only at an alarm, and when the session leaves or is about to expire.
 */
export class LiveSockets {
  readonly #sockets = new Map<SocketPort, LiveSocket>();
  /** The sockets of each session, in the order in which they joined. */
  readonly #bySession = new Map<string, Set<LiveSocket>>();

  constructor(ports: Iterable<SocketPort>) {
    for (const port of ports) {
      const { attachment } = port;
      // The platform lists a closed socket until its client answers the close.
      if (attachment === CLOSED) continue;
      const socket = this.#add(port);
      const session = Attachment.safeParse(attachment).data;
      if (session !== undefined) this.#assign(socket, session);
    }
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Returns undefined if the room closed the socket. */
  get(port: SocketPort): LiveSocket | undefined {
    return this.#sockets.get(port);
  }

  /** The sessions of all sockets, each with its last message or ping. Walks over all sockets. */
  *sessions(): Generator<[string, SessionRecord]> {
    for (const [id, sockets] of this.#bySession) {
      const record = latestRecord(sockets);
      if (record !== undefined) yield [id, record];
    }
  }

  /** When the last message or ping of a session came (ms); undefined if no socket has the session. */
  lastSeen(id: string): number | undefined {
    return latestRecord(this.#bySession.get(id) ?? [])?.lastSeen;
  }

  open(port: SocketPort, counts: MoodCounts, now: number): void {
    sendCounts([this.#add(port)], counts, now);
  }

  broadcast(counts: MoodCounts, now: number): void {
    sendCounts(this.#sockets.values(), counts, now);
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
    remember(socket.port, session);
    const sockets = this.#assign(socket, session);
    for (const oldest of sockets) {
      if (sockets.size <= LIVE_SESSION_SOCKETS_MAX) return;
      this.#close(oldest.port, CLOSE.tooManySockets);
    }
  }

  /** Stores the `lastSeen` that the room recorded for a session with all its sockets. */
  setRecordedAt(id: string, recordedAt: number): void {
    for (const socket of this.#bySession.get(id) ?? []) {
      if (socket.session === undefined || socket.session.recordedAt >= recordedAt) continue;
      socket.session = { ...socket.session, recordedAt };
      remember(socket.port, socket.session);
    }
  }

  /** Closes a socket. Returns its session; undefined if the socket never joined, or if the room closed it before. */
  close(port: SocketPort, why: SocketClose): ClosedSocket | undefined {
    const socket = this.#sockets.get(port);
    // A close event can start the object. The platform no longer lists that socket.
    const session = socket === undefined ? Attachment.safeParse(port.attachment).data : socket.session;
    this.#close(port, why);
    if (session === undefined) return undefined;
    const { id, mood } = session;
    const lastSeen = lastSeenOn(port, session);
    const recordedAt = Math.max(session.recordedAt, lastSeen);
    // Otherwise the close of the last socket treats this time as an HTTP heartbeat and keeps the session.
    this.setRecordedAt(id, recordedAt);
    return { id, mood, lastSeen, recordedAt, hasOtherSocket: this.#bySession.has(id) };
  }

  closeSession(id: string, why: SocketClose): void {
    for (const { port } of this.#bySession.get(id) ?? []) this.#close(port, why);
  }

  #add(port: SocketPort): LiveSocket {
    const socket = { port, session: undefined, lastCounts: '', windowStart: 0, messagesInWindow: 0 };
    this.#sockets.set(port, socket);
    return socket;
  }

  /** Lists the socket under its session. Returns all sockets of the session. */
  #assign(socket: LiveSocket, session: SocketSession): ReadonlySet<LiveSocket> {
    socket.session = session;
    const sockets = this.#bySession.get(session.id) ?? new Set();
    this.#bySession.set(session.id, sockets.add(socket));
    return sockets;
  }

  #close(port: SocketPort, { code, reason }: SocketClose): void {
    const socket = this.#sockets.get(port);
    this.#sockets.delete(port);
    if (socket?.session !== undefined) {
      const { id } = socket.session;
      const sockets = this.#bySession.get(id);
      sockets?.delete(socket);
      if (sockets?.size === 0) this.#bySession.delete(id);
    }
    port.remember(CLOSED);
    port.close(code, reason);
  }
}

/** An open socket. */
export interface LiveSocket {
  readonly port: SocketPort;
  session: SocketSession | undefined;
  /** The counts that were sent last, as JSON. */
  lastCounts: string;
  /** The start of the window in which messages are counted (ms). */
  windowStart: number;
  messagesInWindow: number;
}

/** The session of a socket that closed. `lastSeen` is the last message or ping of this socket (ms). */
export interface ClosedSocket extends SessionRecord {
  readonly id: string;
  /**
   * The `lastSeen` that the room recorded for this socket, never before the last ping (ms). Otherwise the room treats a merged
   * ping as an HTTP heartbeat and keeps the session.
   */
  readonly recordedAt: number;
  readonly hasOtherSocket: boolean;
}

/** Reads the session of a socket from its attachment. The keys of the attachment are those of version 1.0. */
const Attachment = z
  .object({ sessionId: SessionId, mood: Mood, heardAt: z.number(), notedAt: z.number() })
  .transform(({ sessionId, mood, heardAt, notedAt }) => ({
    id: sessionId,
    mood,
    /** When the last message of this socket came (ms). */
    lastMessageAt: heardAt,
    /** The `lastSeen` that the room recorded for this socket (ms). A later one is from an HTTP heartbeat. */
    recordedAt: notedAt,
  }));
type SocketSession = Readonly<z.output<typeof Attachment>>;

/** The attachment of a socket that the room closed. Otherwise its messages count after the object has hibernated. */
const CLOSED = 'closed';

function remember(port: SocketPort, { id, mood, lastMessageAt, recordedAt }: SocketSession): void {
  const attachment = { sessionId: id, mood, heardAt: lastMessageAt, notedAt: recordedAt };
  port.remember(attachment satisfies z.input<typeof Attachment>);
}

/** The latest message or ping of a session on these sockets. */
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
