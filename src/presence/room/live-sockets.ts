import * as z from 'zod';
import {
  LIVE_MESSAGE_BYTES_MAX,
  LIVE_MESSAGES_MAX,
  LIVE_MESSAGES_WINDOW_MS,
  LIVE_SESSION_SOCKETS_MAX,
} from '../../limits';
import { parseJson } from '../parse-json';
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
import type { Audience, Room } from './room';

/** What a live socket may send besides `ping`: with an id it joins, without one it changes its mood. */
const LiveMessage = z.object(
  { sessionId: SessionId.optional(), mood: Mood },
  { error: 'must be a JSON object' },
);
type LiveMessage = z.infer<typeof LiveMessage>;

/**
 * Who sits behind a socket that has joined. It is kept with the socket, and so outlives the object's memory. `heardAt` is when
 * its last message came, and `notedAt` the time that the room gave to what it knows from here (ms).
 */
const Guest = z.object({ sessionId: SessionId, mood: Mood, heardAt: z.number(), notedAt: z.number() });
type Guest = z.infer<typeof Guest>;

/** Close codes: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;
const TRY_AGAIN_LATER = 1013;

/** Kept with a socket that the room has closed, so that no message of it counts after the object has slept. */
const CLOSED = 'closed';

/** Why a socket is closed, in at most 123 bytes. */
interface Refusal {
  readonly code: number;
  readonly refusal: string;
}
const FLOOD: Refusal = { code: POLICY_VIOLATION, refusal: 'Too many messages.' };
const SILENT: Refusal = { code: POLICY_VIOLATION, refusal: 'Silent for too long: send ping.' };
const OTHER_ID: Refusal = {
  code: POLICY_VIOLATION,
  refusal: 'A socket keeps its sessionId: open another one.',
};
const REPLACED: Refusal = { code: POLICY_VIOLATION, refusal: 'Too many sockets of this session.' };
const FULL: Refusal = { code: TRY_AGAIN_LATER, refusal: 'The room is full: try again later.' };
const NOT_JOINED: Refusal = { code: POLICY_VIOLATION, refusal: 'Join first: send sessionId and mood.' };

/** The part of the object's state that is used. */
export type SocketState = Pick<
  DurableObjectState,
  'acceptWebSocket' | 'getWebSockets' | 'setWebSocketAutoResponse' | 'getWebSocketAutoResponseTimestamp'
>;

/**
 * The live sockets of a room. Each one watches. One that sends an id and a mood joins; its closing is a leave.
 *
 * A socket that has joined keeps its id. The opening of a socket passed the limiter of new sessions once, so one socket
 * brings one session at most.
 *
 * A joined socket sends `ping` at least every TTL. The platform answers `pong` and notes the time without waking the object,
 * so the room looks there before a session ends:
 * https://developers.cloudflare.com/durable-objects/best-practices/websockets/
 *
 * It does not promise to notice a peer that stops reading: watchers need not ping, and the platform buffers for them.
 */
export class LiveSockets implements Audience {
  readonly #state: SocketState;
  readonly #now: () => number;
  /** All open sockets, with the guest behind each that has joined. */
  readonly #sockets = new Map<WebSocket, Guest | undefined>();
  /** The sockets of each session, at most `LIVE_SESSION_SOCKETS_MAX` each, the one that joined first before the others. */
  readonly #bySession = new Map<string, Set<WebSocket>>();
  /** What each socket was shown last, so that none is shown the same twice. */
  readonly #shown = new WeakMap<WebSocket, string>();
  readonly #traffic = new WeakMap<WebSocket, { since: number; messages: number }>();

  constructor(state: SocketState, now: () => number) {
    this.#state = state;
    this.#now = now;
    for (const socket of state.getWebSockets()) {
      // A peer that does not answer to the close keeps its socket open for a while.
      if (socket.deserializeAttachment() === CLOSED) continue;
      this.#sockets.set(socket, undefined);
      const guest = keptWith(socket);
      if (guest !== undefined) this.#list(socket, guest);
    }
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  get size(): number {
    return this.#sockets.size;
  }

  open(socket: WebSocket, counts: MoodCounts): void {
    this.#state.acceptWebSocket(socket);
    this.#sockets.set(socket, undefined);
    this.#show(socket, JSON.stringify(counts), this.#stateText(counts));
  }

  tell(counts: MoodCounts): void {
    const moods = JSON.stringify(counts);
    const text = this.#stateText(counts);
    for (const socket of this.#sockets.keys()) this.#show(socket, moods, text);
  }

  /** Takes a message in, or closes the socket with a reason. */
  receive(socket: WebSocket, message: string | ArrayBuffer, room: Room): void {
    // It may go on sending until it has heard that it was closed.
    if (!this.#sockets.has(socket)) return;
    const seated = this.#sockets.get(socket);
    const read = this.#isFlood(socket) ? FLOOD : readMessage(message);
    if ('refusal' in read) {
      this.#drop(socket, read, room);
      return;
    }
    const { mood, sessionId = seated?.sessionId } = read;
    if (sessionId === undefined) {
      this.#drop(socket, NOT_JOINED, room);
      return;
    }
    if (seated !== undefined && seated.sessionId !== sessionId) {
      this.#drop(socket, OTHER_ID, room);
      return;
    }
    const notedAt = room.touch(sessionId, mood);
    if (notedAt === undefined) {
      this.#drop(socket, FULL, room);
      return;
    }
    this.#seat(socket, { sessionId, mood, heardAt: this.#now(), notedAt });
    this.#replaceOldest(sessionId);
  }

  /** The peer has closed the socket, or it broke. */
  close(socket: WebSocket, room: Room): void {
    this.#drop(socket, { code: NORMAL, refusal: '' }, room);
  }

  /** All who have joined, and when they were last heard. Costs a step for each socket. */
  get guests(): SessionRecords {
    const guests = new Map<string, SessionRecord>();
    for (const [socket, guest] of this.#sockets) {
      if (guest === undefined) continue;
      const record = { mood: guest.mood, lastSeen: this.#lastHeard(socket, guest) };
      const twin = guests.get(guest.sessionId);
      if (twin === undefined || overrules(record, twin)) guests.set(guest.sessionId, record);
    }
    return guests;
  }

  heardAt(id: string): number | undefined {
    let heardAt: number | undefined;
    for (const socket of this.#bySession.get(id) ?? []) {
      const guest = this.#sockets.get(socket);
      if (guest !== undefined) heardAt = Math.max(heardAt ?? 0, this.#lastHeard(socket, guest));
    }
    return heardAt;
  }

  noted(id: string, notedAt: number): void {
    for (const socket of this.#bySession.get(id) ?? []) {
      const guest = this.#sockets.get(socket);
      if (guest !== undefined) this.#seat(socket, { ...guest, notedAt: Math.max(guest.notedAt, notedAt) });
    }
  }

  ended(id: string): void {
    this.#hangUpAll(id, SILENT);
  }

  refused(id: string): void {
    this.#hangUpAll(id, FULL);
  }

  #hangUpAll(id: string, why: Refusal): void {
    for (const socket of this.#bySession.get(id) ?? []) {
      this.#sockets.delete(socket);
      this.#hangUp(socket, why);
    }
    this.#bySession.delete(id);
  }

  /** Closes the oldest socket of a session with too many. The session stays, and the room knows a later time of the newest. */
  #replaceOldest(id: string): void {
    const sockets = this.#bySession.get(id) ?? new Set();
    if (sockets.size <= LIVE_SESSION_SOCKETS_MAX) return;
    for (const oldest of sockets) {
      sockets.delete(oldest);
      this.#sockets.delete(oldest);
      this.#hangUp(oldest, REPLACED);
      return;
    }
  }

  #stateText(moods: MoodCounts): string {
    return JSON.stringify({ count: totalOf(moods), moods, timestamp: this.#now() } satisfies PresenceState);
  }

  #show(socket: WebSocket, moods: string, text: string): void {
    if (this.#shown.get(socket) === moods) return;
    this.#shown.set(socket, moods);
    try {
      socket.send(text);
    } catch {
      // It is closing; its close event comes by itself.
    }
  }

  /** Notes the session of a socket, and keeps it with the socket. */
  #seat(socket: WebSocket, guest: Guest): void {
    socket.serializeAttachment(guest);
    this.#list(socket, guest);
  }

  #list(socket: WebSocket, guest: Guest): void {
    this.#sockets.set(socket, guest);
    const sockets = this.#bySession.get(guest.sessionId) ?? new Set();
    this.#bySession.set(guest.sessionId, sockets.add(socket));
  }

  /** Ends the session of a socket, unless another socket or a later heartbeat keeps it. */
  #leave(socket: WebSocket, room: Room): void {
    // A socket whose closing has woken the object was no longer open when the object came to.
    const guest = this.#sockets.get(socket) ?? keptWith(socket);
    if (guest === undefined) return;
    this.#sockets.set(socket, undefined);
    this.#bySession.get(guest.sessionId)?.delete(socket);
    const notedAt = Math.max(guest.notedAt, this.#lastHeard(socket, guest));
    if (this.#bySession.get(guest.sessionId)?.size) {
      // The last socket must know this time. Otherwise its closing would take it for a heartbeat by HTTP, and end nothing.
      this.noted(guest.sessionId, notedAt);
      return;
    }
    this.#bySession.delete(guest.sessionId);
    const record = room.get(guest.sessionId);
    // A later heartbeat came by HTTP, from another tab or from the page after a reload.
    if (record === undefined || record.lastSeen > notedAt) return;
    room.touch(guest.sessionId, null);
  }

  #lastHeard(socket: WebSocket, { heardAt }: Guest): number {
    return Math.max(heardAt, this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }

  #isFlood(socket: WebSocket): boolean {
    const now = this.#now();
    const traffic = this.#traffic.get(socket);
    if (traffic === undefined || now >= traffic.since + LIVE_MESSAGES_WINDOW_MS) {
      this.#traffic.set(socket, { since: now, messages: 1 });
      return false;
    }
    traffic.messages += 1;
    return traffic.messages > LIVE_MESSAGES_MAX;
  }

  #drop(socket: WebSocket, why: Refusal, room: Room): void {
    this.#leave(socket, room);
    this.#sockets.delete(socket);
    this.#hangUp(socket, why);
  }

  /** Closes the socket. Where the peer has closed it first, the peer waits for this. */
  #hangUp(socket: WebSocket, { code, refusal }: Refusal): void {
    socket.serializeAttachment(CLOSED);
    try {
      socket.close(code, refusal);
    } catch {
      // It is closed already.
    }
  }
}

/** Reads what a socket sent. A refusal says what is accepted, never what came. */
function readMessage(message: string | ArrayBuffer): LiveMessage | Refusal {
  if (typeof message !== 'string') return { code: POLICY_VIOLATION, refusal: 'Send text.' };
  if (isTooBig(message)) {
    return { code: TOO_BIG, refusal: `Send at most ${LIVE_MESSAGE_BYTES_MAX} bytes.` };
  }
  const parsed = LiveMessage.safeParse(parseJson(message));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path[0] ?? 'The message';
  return { code: POLICY_VIOLATION, refusal: `${String(where)} ${issue?.message}.` };
}

/** A letter takes one byte at least, so a message with too many letters, up to the platform's 32 MiB, needs no look at its bytes. */
function isTooBig(message: string): boolean {
  if (message.length > LIVE_MESSAGE_BYTES_MAX) return true;
  return new TextEncoder().encode(message).byteLength > LIVE_MESSAGE_BYTES_MAX;
}

function keptWith(socket: WebSocket): Guest | undefined {
  return Guest.safeParse(socket.deserializeAttachment()).data;
}
