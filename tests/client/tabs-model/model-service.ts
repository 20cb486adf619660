import { DEFAULT_MOOD, MOODS, type Mood } from '../../../src/moods';
import type { VirtualClock } from './virtual-clock';

const TTL_MS = 30_000;
const BROADCAST_INTERVAL_MS = 1_000;
/** A close with this code hands the session over. The session stays for one TTL after the last message or ping. */
const HANDOVER_CODE = 4000;
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

interface Session {
  mood: Mood;
  /** The time of the last heartbeat, message or ping. */
  lastSeen: number;
  lastHttpAt: number;
  /** Whether the last heartbeat was sent before another heartbeat, message or leave that arrived earlier. */
  isOvertaken: boolean;
}

/** The service's end of a socket. */
export interface Port {
  send(text: string): void;
  close(code: number): void;
}

export interface Message {
  readonly action: string;
  readonly body: string | undefined;
  readonly sentAt: number;
}

/** The exact count of one channel, in one place and without failures. This browser is its only client. */
export class ModelService {
  readonly sessions = new Map<string, Session>();
  readonly #clock: VirtualClock;
  readonly #isLive: boolean;
  /** For each session, the newest sending time of the heartbeats, messages and leaves that arrived. */
  readonly #newestSentAt = new Map<string, number>();
  /** The open sockets, each with its session and the time of its last message or ping. */
  readonly #sockets = new Map<Port, { id: string; lastSeen: number } | undefined>();
  #nextBroadcastAt = 0;
  #lastState = '';

  constructor(clock: VirtualClock, isLive: boolean) {
    this.#clock = clock;
    this.#isLive = isLive;
  }

  get count(): number {
    return this.sessions.size;
  }

  handle({ action, body, sentAt }: Message): {
    readonly body: unknown;
    readonly headers: [string, string][];
  } {
    const { sessionId, mood } = JSON.parse(body ?? '{}');
    if (action === 'heartbeat') this.#heartbeat(sessionId, mood, sentAt);
    else if (action === 'leave') this.#leave(sessionId, sentAt);
    else if (action !== 'presence') throw new Error(`the client asks for ${action}`);
    return {
      body: this.#state(),
      headers: [
        ['Presence-Interval', '10'],
        ...(this.#isLive ? [['Presence-Live', '1'] as [string, string]] : []),
      ],
    };
  }

  openSocket(port: Port): void {
    this.#sockets.set(port, undefined);
    port.send(JSON.stringify(this.#state()));
  }

  receive(port: Port, text: string, sentAt: number): void {
    if (!this.#sockets.has(port)) return;
    const joined = this.#sockets.get(port);
    if (text === 'ping') {
      port.send('pong');
      const session = joined && this.sessions.get(joined.id);
      if (joined === undefined || session === undefined) return;
      joined.lastSeen = this.#clock.now;
      session.isOvertaken = false;
      this.#keep(joined.id, session);
      return;
    }
    const { sessionId = joined?.id, mood } = JSON.parse(text);
    if (joined !== undefined && joined.id !== sessionId) throw new Error('a socket sends two ids');
    this.#sockets.set(port, { id: sessionId, lastSeen: this.#clock.now });
    this.#refresh(sessionId, mood).isOvertaken = this.#isOvertaken(sessionId, sentAt);
  }

  /** A close ends the session, unless another socket or a later HTTP heartbeat has it. */
  closeSocket(port: Port, code: number, sentAt: number): void {
    const joined = this.#sockets.get(port);
    this.#sockets.delete(port);
    if (joined === undefined || code === HANDOVER_CODE || this.#hasSocket(joined.id)) return;
    this.#isOvertaken(joined.id, sentAt);
    const session = this.sessions.get(joined.id);
    if (session !== undefined && session.lastHttpAt <= joined.lastSeen) this.#end(joined.id);
  }

  #heartbeat(id: string, mood: Mood, sentAt: number): void {
    const session = this.#refresh(id, mood);
    session.lastHttpAt = this.#clock.now;
    session.isOvertaken = this.#isOvertaken(id, sentAt);
  }

  /** Keeps the sending time of a message. Returns whether a newer message arrived before it. */
  #isOvertaken(id: string, sentAt: number): boolean {
    const newest = this.#newestSentAt.get(id) ?? -1;
    this.#newestSentAt.set(id, Math.max(newest, sentAt));
    return sentAt <= newest;
  }

  /** A leave only refreshes a session with an open socket. */
  #leave(id: string, sentAt: number): void {
    this.#isOvertaken(id, sentAt);
    const session = this.sessions.get(id);
    if (session === undefined) return;
    if (this.#hasSocket(id)) this.#keep(id, session);
    else this.#end(id);
  }

  #refresh(id: string, mood: Mood = DEFAULT_MOOD): Session {
    if (!UUID.test(id) || !MOODS.includes(mood)) throw new Error(`the client sends ${id} and ${mood}`);
    const session = this.sessions.get(id) ?? {
      mood,
      lastSeen: this.#clock.now,
      lastHttpAt: -1,
      isOvertaken: false,
    };
    session.mood = mood;
    this.sessions.set(id, session);
    this.#keep(id, session);
    return session;
  }

  #keep(id: string, session: Session): void {
    session.lastSeen = this.#clock.now;
    this.#clock.schedule(TTL_MS, () => {
      if (this.sessions.get(id) === session && session.lastSeen + TTL_MS <= this.#clock.now) this.#end(id);
    });
    this.#publish();
  }

  #end(id: string): void {
    this.sessions.delete(id);
    for (const [port, joined] of this.#sockets) {
      if (joined?.id !== id) continue;
      this.#sockets.delete(port);
      port.close(1008);
    }
    this.#publish();
  }

  #hasSocket(id: string): boolean {
    return [...this.#sockets.values()].some((joined) => joined?.id === id);
  }

  #state() {
    const moods = Object.fromEntries(MOODS.map((mood) => [mood, 0])) as Record<Mood, number>;
    for (const { mood } of this.sessions.values()) moods[mood] += 1;
    return { count: this.count, moods, timestamp: 1_800_000_000_000 + Math.floor(this.#clock.now) };
  }

  #publish(): void {
    if (this.#sockets.size === 0 || this.#nextBroadcastAt > this.#clock.now) return;
    this.#nextBroadcastAt = this.#clock.now + BROADCAST_INTERVAL_MS;
    this.#clock.schedule(BROADCAST_INTERVAL_MS, () => {
      const state = this.#state();
      const text = JSON.stringify(state.moods);
      if (text !== this.#lastState) for (const port of this.#sockets.keys()) port.send(JSON.stringify(state));
      this.#lastState = text;
    });
  }
}
