import { LIVE_BROADCAST_INTERVAL_MS, LIVE_SOCKETS_MAX } from '../../limits';
import { MOODS } from '../../moods';
import { type MoodCounts, overrules, type SessionRecord, type SessionRecords } from '../session';
import { type ClosedSocket, type LiveSocket, LiveSockets } from './live-sockets';
import type { RoomAnswer, RoomReport } from './room-protocol';
import { RoomSaver, type SaverOptions } from './room-saver';
import { type MergeResult, RoomSessions } from './room-sessions';
import { CLOSE, HANDOVER_CODE, readMessage, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';
import { Throttle } from './throttle';

/**
 * The room joins all replicas and all live sockets, and holds every session. It answers each replica with the changes since
 * its last sync. It sends the counts to the sockets when they change, at most once a second.
 *
 * Every present session had a heartbeat within the last TTL, so the saves of the last TTL hold all sessions. A room that
 * crashes loses the changes of at most five seconds. Its next answer has another epoch, so replicas send their sessions again.
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
    const saved = journal.read();
    this.#restore(saved.sessions);
    this.#lastBroadcast = saved.lastBroadcast ?? { ...this.counts };
    const state = { sessions: this.#sessions, lastBroadcast: () => this.#lastBroadcast };
    this.#saver = new RoomSaver({ ...options, ...state, lastRunAt: saved.savedAt });
    const task = () => this.#broadcast();
    this.#broadcasts = new Throttle({ ...options, intervalMs: LIVE_BROADCAST_INTERVAL_MS, task });
    this.applyPings();
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

  /** When to call `applyPings` next (ms). Undefined without sockets: each call expires sessions first. */
  nextEnd(): number | undefined {
    return this.#sockets.size === 0 ? undefined : this.#sessions.nextEnd(this.#now);
  }

  /** Applies the updates of a replica. A snapshot in the answer is a live view: do not keep it. */
  sync({ since, updates }: RoomReport): RoomAnswer {
    const now = this.#now;
    this.#expire(now);
    // Before the merges, otherwise the replica gets its own changes back.
    const changed =
      since?.epoch === this.#options.epoch ? this.#sessions.changesSince(since.number) : undefined;
    let isFull = false;
    for (const [id, record] of updates) {
      const isKept = this.#keepPresentBySocket(id, record, now);
      const result = isKept ? 'outdated' : this.#sessions.merge(id, record, now);
      if (result === 'applied') this.#saver.add(id);
      if (result === 'outdated') changed?.add(id);
      if (result === 'full') isFull = true;
    }
    if (isFull) this.#reportFull();
    this.#publish();
    return {
      version: { epoch: this.#options.epoch, number: this.#sessions.changeCount },
      isSnapshot: changed === undefined,
      sessions: changed === undefined ? this.#sessions.present : this.#recordsOf(changed),
      isFull: isFull || this.#sessions.isFull,
    };
  }

  open(socket: SocketPort): void {
    const now = this.#now;
    this.#expire(now);
    this.#sockets.open(socket, this.counts, now);
    this.#publish();
  }

  /** Applies a message of a socket, or closes the socket with a reason. */
  receive(port: SocketPort, message: string | ArrayBuffer): void {
    const socket = this.#sockets.get(port);
    // A client can send messages until it gets the close.
    if (socket === undefined) return;
    const now = this.#now;
    const refusal = this.#apply(socket, message, now);
    if (refusal !== undefined) this.#leave(this.#sockets.close(port, refusal), now);
    this.#expire(now);
    this.#publish();
  }

  /**
   * Ends a socket that its client closed, or that broke. Its session leaves, unless the client closed it with `HANDOVER_CODE`.
   * Then the last message or ping of the socket counts like an HTTP heartbeat, and the session expires one TTL later.
   *
   * @param code The client's close code, if it sent one.
   */
  close(socket: SocketPort, code?: number): void {
    const now = this.#now;
    const closed = this.#sockets.close(socket, CLOSE.byClient);
    if (code !== HANDOVER_CODE) this.#leave(closed, now);
    else if (closed !== undefined) this.#mergePing(closed.id, closed, now);
    this.#expire(now);
    this.#publish();
  }

  /** Applies the last ping of each socket, closes the sockets of expired and refused sessions, and expires sessions. */
  applyPings(): void {
    const now = this.#now;
    for (const [id, record] of this.#sockets.sessions()) {
      const result = this.#mergePing(id, record, now);
      if (result === 'expired') this.#sockets.closeSession(id, CLOSE.sessionExpired);
      if (result === 'full') this.#sockets.closeSession(id, CLOSE.roomFull);
    }
    this.#sessions.forgetNextEnd();
    this.#expire(now);
    this.#publish();
  }

  /** Merges the saved sessions. A session with a socket that pings keeps its saved mood. */
  #restore(rows: Iterable<SessionRecords>): void {
    const now = this.#now;
    const pinging = new Map<string, SessionRecord>();
    for (const row of rows) {
      for (const [id, record] of row) {
        const isExpired = this.#sessions.merge(id, record, now) === 'expired';
        // A later row has the later record.
        if (isExpired && this.#sockets.lastSeen(id) !== undefined) pinging.set(id, record);
      }
    }
    for (const [id, { mood, lastSeen }] of pinging) {
      if (mood === null) continue;
      this.#sessions.merge(id, { mood, lastSeen: Math.max(lastSeen, this.#sockets.lastSeen(id) ?? 0) }, now);
    }
  }

  /** A leave from another tab only refreshes a session with an open live socket. Returns whether the record is such a leave. */
  #keepPresentBySocket(id: string, leave: SessionRecord, now: number): boolean {
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

  /** Merges the last message or ping of a session's sockets. */
  #mergePing(id: string, { mood, lastSeen }: SessionRecord, now: number): MergeResult {
    // Another tab may have set a later mood.
    const record = { mood: this.#sessions.get(id)?.mood ?? mood, lastSeen };
    const result = this.#sessions.merge(id, record, now);
    if (result === 'applied') this.#saver.add(id);
    if (result === 'full') this.#reportFull();
    return result;
  }

  /** Ends the session of a closed socket, unless another socket or a later heartbeat keeps it. */
  #leave(closed: ClosedSocket | undefined, now: number): void {
    if (closed === undefined || closed.hasOtherSocket) return;
    const record = this.#sessions.get(closed.id);
    // A later heartbeat came by HTTP, from another tab or after a reload. The session stays.
    if (record === undefined || record.lastSeen > closed.recordedAt) return;
    this.#sessions.leave(closed.id, now);
    this.#saver.add(closed.id);
  }

  #expire(now: number): void {
    const expired = this.#sessions.expire(now, (id) => this.#sockets.lastSeen(id));
    for (const id of expired) this.#sockets.closeSession(id, CLOSE.sessionExpired);
  }

  #recordsOf(ids: Iterable<string>): SessionRecords {
    const records = new Map<string, SessionRecord>();
    for (const id of ids) records.set(id, this.#sessions.get(id) ?? { mood: null, lastSeen: 0 });
    return records;
  }

  #reportFull(): void {
    this.#options.report('the room is full: it refuses new sessions, which count at their own isolate only');
  }

  /** Schedules broadcast and save. A timer of at most 5 s costs less than an alarm. It delays hibernation by at most 5 s. */
  #publish(): void {
    if (MOODS.some((mood) => this.#lastBroadcast[mood] !== this.counts[mood])) {
      if (this.#sockets.size > 0) this.#broadcasts.schedule();
      else this.#broadcast();
    }
    this.#saver.schedule();
  }

  /** Sends even unchanged counts, otherwise a socket that opened since the last broadcast keeps older ones. */
  #broadcast(): void {
    this.#lastBroadcast = { ...this.counts };
    this.#sockets.broadcast(this.#lastBroadcast, this.#now);
    this.#saver.schedule();
  }
}

interface RoomOptions extends Pick<SaverOptions, 'runtime' | 'report' | 'journal'> {
  readonly ttlMs: number;
  /** A new id at each start of the room. */
  readonly epoch: string;
  /** The sockets that are open at the start. */
  readonly sockets: Iterable<SocketPort>;
}
