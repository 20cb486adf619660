import { LIVE_BROADCAST_INTERVAL_MS, LIVE_SOCKETS_MAX } from '../../limits';
import type { Report } from '../../rate-limited-log';
import type { Runtime } from '../../runtime';
import { MOODS, type MoodCounts, overrules, type SessionRecord, type SessionRecords } from '../session';
import { type LiveSocket, LiveSockets } from './live-sockets';
import type { RoomAnswer, RoomReport } from './room-protocol';
import { type Journal, RoomSaver } from './room-saver';
import { RoomSessions } from './room-sessions';
import { CLOSE, readMessage, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';
import { Throttle } from './throttle';

interface RoomOptions {
  readonly ttlMs: number;
  readonly runtime: Pick<Runtime, 'now' | 'sleep'>;
  /** A name that no earlier life of this room had. */
  readonly epoch: string;
  readonly journal: Journal;
  /** The sockets that are open already. */
  readonly sockets: Iterable<SocketPort>;
  readonly report: Report;
}

/**
 * The room joins all replicas and all live sockets. It holds every session, answers each replica with the changes since its
 * last sync, and sends the counts to the sockets when they change, at most once a second.
 *
 * Every live session had a heartbeat within the last TTL, so the saves of the last TTL hold all sessions. A save writes the
 * changes of at least five seconds. A room that crashes loses at most those. Its next answer has another epoch, so replicas
 * send their sessions again.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #sessions: RoomSessions;
  readonly #sockets: LiveSockets;
  readonly #saver: RoomSaver;
  readonly #broadcasts: Throttle;
  #lastBroadcast: MoodCounts;

  constructor(options: RoomOptions) {
    this.#options = options;
    const { ttlMs, runtime, journal, sockets } = options;
    this.#sessions = new RoomSessions(ttlMs, runtime.now());
    this.#sockets = new LiveSockets(sockets);
    const { sessions, savedAt, lastBroadcast } = journal.read();
    this.#restore(sessions);
    this.#lastBroadcast = lastBroadcast ?? { ...this.counts };
    this.#saver = new RoomSaver(options, this.#sessions, this.#lastBroadcast, savedAt);
    const task = () => this.#broadcast();
    this.#broadcasts = new Throttle({ intervalMs: LIVE_BROADCAST_INTERVAL_MS, runtime, task });
    this.wake();
  }

  /** A live view, as of the last call: do not keep it. */
  get counts(): MoodCounts {
    return this.#sessions.counts;
  }

  get acceptsSockets(): boolean {
    return this.#sockets.size < LIVE_SOCKETS_MAX;
  }

  get #now(): number {
    return this.#options.runtime.now();
  }

  /** When the room should `wake` next (ms), if it should. Without sockets it need not: each call expires sessions first. */
  nextEnd(): number | undefined {
    return this.#sockets.size === 0 ? undefined : this.#sessions.nextEnd(this.#now);
  }

  /** Applies the updates of a replica, and answers with the changes that are new to it. */
  sync({ since, updates }: RoomReport): RoomAnswer {
    const now = this.#now;
    this.#expire(now);
    const changed =
      since?.epoch === this.#options.epoch ? this.#sessions.changesSince(since.number) : undefined;
    let isFull = false;
    for (const [id, record] of updates) {
      const result = this.#refreshInstead(id, record, now)
        ? 'outdated'
        : this.#sessions.merge(id, record, now);
      if (result === 'applied') this.#saver.add(id);
      if (result === 'outdated') changed?.add(id);
      if (result === 'full') isFull = true;
    }
    if (isFull) this.#reportFull();
    this.#publish();
    return {
      version: { epoch: this.#options.epoch, number: this.#sessions.changeCount },
      isSnapshot: changed === undefined,
      sessions: changed === undefined ? this.#sessions.snapshot() : this.#recordsOf(changed),
      isFull: isFull || this.#sessions.isFull,
    };
  }

  /** Adds a socket, and sends it the counts. */
  open(socket: SocketPort): void {
    const now = this.#now;
    this.#expire(now);
    this.#sockets.open(socket, this.counts, now);
    this.#publish();
  }

  /** Applies a message of a socket, or closes the socket with a reason. */
  receive(port: SocketPort, message: string | ArrayBuffer): void {
    const socket = this.#sockets.get(port);
    // A client may send on until the close arrives there.
    if (socket === undefined) return;
    const now = this.#now;
    const refusal = this.#apply(socket, message, now);
    if (refusal !== undefined) this.#close(port, refusal, now);
    this.#expire(now);
    this.#publish();
  }

  /** Ends a socket that its client closed, or that broke. */
  close(socket: SocketPort): void {
    this.#close(socket, CLOSE.byClient, this.#now);
    this.#publish();
  }

  /** Applies the pings of all sockets, closes the sockets of expired and refused sessions, and expires sessions. */
  wake(): void {
    const now = this.#now;
    for (const [id, { mood, lastSeen }] of this.#sockets.sessions()) {
      // Another tab may have changed the mood after the socket did.
      const record = { mood: this.#sessions.get(id)?.mood ?? mood, lastSeen };
      const result = this.#sessions.merge(id, record, now);
      if (result === 'applied') this.#saver.add(id);
      if (result === 'expired') this.#sockets.closeSession(id, CLOSE.sessionExpired);
      if (result !== 'full') continue;
      this.#reportFull();
      this.#sockets.closeSession(id, CLOSE.roomFull);
    }
    this.#sessions.forgetNextEnd();
    this.#expire(now);
    this.#publish();
  }

  /** Merges the saved sessions. One that expired since, and whose socket still pings, comes back with its saved mood. */
  #restore(rows: Iterable<SessionRecords>): void {
    const now = this.#now;
    const pinging = new Map<string, SessionRecord>();
    for (const row of rows) {
      for (const [id, record] of row) {
        const isExpired = this.#sessions.merge(id, record, now) === 'expired';
        if (!isExpired || this.#sockets.lastSeen(id) === undefined) continue;
        const other = pinging.get(id);
        if (other === undefined || overrules(record, other)) pinging.set(id, record);
      }
    }
    for (const [id, { mood, lastSeen }] of pinging) {
      if (mood === null) continue;
      this.#sessions.merge(id, { mood, lastSeen: Math.max(lastSeen, this.#sockets.lastSeen(id) ?? 0) }, now);
    }
  }

  /**
   * A session with an open live socket stays present. A leave from another tab only refreshes it. Returns whether this record
   * is such a leave.
   */
  #refreshInstead(id: string, leave: SessionRecord, now: number): boolean {
    if (leave.mood !== null) return false;
    const lastSeen = this.#sockets.lastSeen(id);
    if (lastSeen === undefined || lastSeen + this.#options.ttlMs <= now) return false;
    const known = this.#sessions.get(id);
    if (!known?.mood || !overrules(leave, known)) return false;
    const recordedAt = this.#sessions.heartbeat(id, known.mood, now, leave);
    this.#saver.add(id);
    if (recordedAt !== undefined) this.#sockets.setRecordedAt(id, recordedAt);
    return true;
  }

  /** Returns why the message closes its socket, if it does. */
  #apply(socket: LiveSocket, message: string | ArrayBuffer, now: number): SocketClose | undefined {
    if (this.#sockets.countMessage(socket, now)) return CLOSE.tooManyMessages;
    const read = readMessage(message);
    if ('reason' in read) return read;
    const { mood, sessionId: id = socket.session?.id } = read;
    if (id === undefined) return CLOSE.notJoined;
    if (socket.session !== undefined && socket.session.id !== id) return CLOSE.otherSession;
    const recordedAt = this.#sessions.heartbeat(id, mood, now);
    if (recordedAt === undefined) {
      this.#reportFull();
      return CLOSE.roomFull;
    }
    this.#saver.add(id);
    this.#sockets.join(socket, { id, mood, lastMessageAt: now, recordedAt });
    return undefined;
  }

  #close(socket: SocketPort, why: SocketClose, now: number): void {
    const session = this.#sockets.close(socket, why);
    const record = session && this.#sessions.get(session.id);
    // A later heartbeat came by HTTP, from another tab or from the page after a reload. The session stays.
    if (session === undefined || record === undefined || record.lastSeen > session.recordedAt) return;
    this.#sessions.leave(session.id, now);
    this.#saver.add(session.id);
  }

  #expire(now: number): void {
    const ended = this.#sessions.expire(now, (id) => this.#sockets.lastSeen(id));
    for (const id of ended) this.#sockets.closeSession(id, CLOSE.sessionExpired);
  }

  #recordsOf(ids: Iterable<string>): SessionRecords {
    const records = new Map<string, SessionRecord>();
    for (const id of ids) records.set(id, this.#sessions.get(id) ?? { mood: null, lastSeen: 0 });
    return records;
  }

  #reportFull(): void {
    this.#options.report('the room is full: it refuses new sessions, which count at their own isolate only');
  }

  /** Schedules what is due. A timer of a few seconds costs less than an alarm, and hardly delays hibernation. */
  #publish(): void {
    if (MOODS.some((mood) => this.#lastBroadcast[mood] !== this.counts[mood])) {
      if (this.#sockets.size > 0) this.#broadcasts.schedule();
      else this.#broadcast();
    }
    this.#saver.schedule();
  }

  /** Also when the counts are again those of the last broadcast: a socket that opened since then got others. */
  #broadcast(): void {
    this.#lastBroadcast = { ...this.counts };
    this.#saver.setLastBroadcast(this.#lastBroadcast);
    this.#sockets.broadcast(this.#lastBroadcast, this.#now);
    this.#saver.schedule();
  }
}
