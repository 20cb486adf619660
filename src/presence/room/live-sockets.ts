import * as z from 'zod';
import { LIVE_MESSAGES_MAX, LIVE_MESSAGES_WINDOW_MS, LIVE_SESSION_SOCKETS_MAX } from '../../limits';
import {
  Mood,
  type MoodCounts,
  overrules,
  type PresenceState,
  SessionId,
  type SessionRecord,
  type SessionRecords,
  totalOf,
} from '../session';
import { CLOSE, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';

/** The session of a socket. All times are in ms. */
interface SocketSession {
  readonly id: string;
  readonly mood: Mood;
  /** When the last message of this socket came. */
  readonly lastMessageAt: number;
  /** The `lastSeen` that the room recorded for this socket. A record with a later one came by other means. */
  readonly recordedAt: number;
}

/** The session as it is stored with the socket. The keys are those of version 1.0. */
const Attachment = z.object({ sessionId: SessionId, mood: Mood, heardAt: z.number(), notedAt: z.number() });
type Attachment = z.infer<typeof Attachment>;

/** Stored with a socket that the room closed. Otherwise its messages would count after the object has hibernated. */
const CLOSED = 'closed';

/** What the room knows of an open socket. */
export class LiveSocket {
  readonly port: SocketPort;
  session: SocketSession | undefined;
  /** The counts that were sent last, as JSON. */
  lastCounts = '';
  windowStart = Number.NEGATIVE_INFINITY;
  messagesInWindow = 0;

  constructor(port: SocketPort) {
    this.port = port;
  }
}

/**
 * The open sockets of a room, and the session of each one that joined. A passive register: it applies no rule of presence.
 *
 * The sessions stand in the sockets' attachments too, so a waking object finds them again.
 */
export class LiveSockets {
  readonly #sockets = new Map<SocketPort, LiveSocket>();
  /** The sockets of each session, the one that joined first before the others. */
  readonly #bySession = new Map<string, Set<LiveSocket>>();

  constructor(ports: Iterable<SocketPort>) {
    for (const port of ports) {
      const { attachment } = port;
      // The platform lists a closed socket until its client answers the close.
      if (attachment === CLOSED) continue;
      const socket = this.#add(port);
      const session = parseAttachment(attachment);
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
  sessions(): SessionRecords {
    const sessions = new Map<string, SessionRecord>();
    for (const { port, session } of this.#sockets.values()) {
      if (session === undefined) continue;
      const record = { mood: session.mood, lastSeen: lastSeenOn(port, session) };
      const other = sessions.get(session.id);
      if (other === undefined || overrules(record, other)) sessions.set(session.id, record);
    }
    return sessions;
  }

  /** When the last message or ping of a session came on any socket (ms); undefined if no socket has the session. */
  lastSeen(id: string): number | undefined {
    let lastSeen: number | undefined;
    for (const { port, session } of this.#bySession.get(id) ?? [])
      if (session !== undefined) lastSeen = Math.max(lastSeen ?? 0, lastSeenOn(port, session));
    return lastSeen;
  }

  /** Adds a new socket and sends it the counts. */
  open(port: SocketPort, counts: MoodCounts, now: number): void {
    send(this.#add(port), JSON.stringify(counts), stateText(counts, now));
  }

  /** Sends the counts to each socket that did not get the same ones last. */
  broadcast(counts: MoodCounts, now: number): void {
    if (this.size === 0) return;
    const key = JSON.stringify(counts);
    const text = stateText(counts, now);
    for (const socket of this.#sockets.values()) send(socket, key, text);
  }

  /** Counts one message, and returns whether that is too many of this socket. */
  countMessage(socket: LiveSocket, now: number): boolean {
    if (now >= socket.windowStart + LIVE_MESSAGES_WINDOW_MS) {
      socket.windowStart = now;
      socket.messagesInWindow = 0;
    }
    socket.messagesInWindow += 1;
    return socket.messagesInWindow > LIVE_MESSAGES_MAX;
  }

  /** Gives a socket its session, or that session another mood. Closes the oldest socket of a session that has too many. */
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

  /** Closes a socket. Returns its session if no other socket has that; its `recordedAt` includes the pings. */
  close(port: SocketPort, why: SocketClose): SocketSession | undefined {
    const socket = this.#sockets.get(port);
    // The close that wakes an object comes from a socket that the platform no longer lists.
    const session = socket === undefined ? parseAttachment(port.attachment) : socket.session;
    this.#close(port, why);
    if (session === undefined) return undefined;
    const recordedAt = Math.max(session.recordedAt, lastSeenOn(port, session));
    if (!this.#bySession.has(session.id)) return { ...session, recordedAt };
    // Otherwise the close of the last socket would take this time for that of a heartbeat by HTTP, and end nothing.
    this.setRecordedAt(session.id, recordedAt);
    return undefined;
  }

  /** Closes all sockets of a session. */
  closeSession(id: string, why: SocketClose): void {
    for (const { port } of this.#bySession.get(id) ?? []) this.#close(port, why);
  }

  #add(port: SocketPort): LiveSocket {
    const socket = new LiveSocket(port);
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

function send(socket: LiveSocket, counts: string, text: string): void {
  if (socket.lastCounts === counts) return;
  socket.lastCounts = counts;
  socket.port.send(text);
}

const stateText = (moods: MoodCounts, now: number) =>
  JSON.stringify({ count: totalOf(moods), moods, timestamp: now } satisfies PresenceState);

const lastSeenOn = ({ lastPingAt }: SocketPort, { lastMessageAt }: SocketSession) =>
  Math.max(lastMessageAt, lastPingAt ?? 0);

function remember(port: SocketPort, { id, mood, lastMessageAt, recordedAt }: SocketSession): void {
  port.remember({ sessionId: id, mood, heardAt: lastMessageAt, notedAt: recordedAt } satisfies Attachment);
}

function parseAttachment(attachment: unknown): SocketSession | undefined {
  const stored = Attachment.safeParse(attachment).data;
  if (stored === undefined) return undefined;
  const { sessionId, mood, heardAt, notedAt } = stored;
  return { id: sessionId, mood, lastMessageAt: heardAt, recordedAt: notedAt };
}
