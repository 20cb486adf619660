import { LIVE_SOCKETS_MAX } from '../../limits';
import type { ChannelRules } from '../channel-rules';
import type { History } from '../history';
import { type MoodCounts, overrules, type SessionRecord, type SessionRecords, totalOf } from '../session';
import { channelOf, DEFAULT_CHANNEL, sessionKey } from '../session-key';
import { ChannelBroadcasts } from './channel-broadcasts';
import { HistorySteps } from './history-steps';
import { type ClosedSocket, type LiveSocket, LiveSockets } from './live-sockets';
import { restoreSessions } from './restore-sessions';
import type { RoomAnswer, RoomReport } from './room-protocol';
import { RoomSaver, type SaverOptions } from './room-saver';
import { type ExpiryHooks, type MergeResult, RoomSessions } from './room-sessions';
import { CLOSE, HANDOVER_CODE, readMessage, type SocketClose } from './socket-message';
import type { SocketPort } from './socket-port';

/**
 * The room connects all replicas and all live sockets, and holds every session of every channel. It answers each replica with the
 * changes since its last sync. It sends the changed counts of a channel to its sockets, at most once a second.
 *
 * Every present session had a heartbeat within the last TTL, so the saves of the last TTL hold all sessions. A room that
 * crashes loses the changes of at most five seconds. Its next answer has another epoch, so replicas send their sessions again.
 */
export class Room {
  readonly #options: RoomOptions;
  readonly #sessions: RoomSessions;
  readonly #sockets: LiveSockets;
  readonly #saver: RoomSaver;
  readonly #broadcasts: ChannelBroadcasts;
  readonly #history: HistorySteps;
  readonly #expiryHooks: ExpiryHooks = {
    lastSeen: (key) => this.#sockets.lastSeen(key),
    onExpired: (key, expiredAt) => {
      this.#sockets.closeSession(key, CLOSE.sessionExpired);
      if (channelOf(key) === DEFAULT_CHANNEL) this.#history.setCount(this.#history.count - 1, expiredAt);
    },
    // Otherwise no save holds the ping, and a restart that breaks the socket loses the session.
    onRefreshed: (key) => this.#saver.add(key),
  };

  constructor(options: RoomOptions) {
    this.#options = options;
    const { ttlMs, journal, historyStore, sockets, channels } = options;
    const saved = journal.read();
    // The clock may have stepped back.
    const savedAt = Math.min(saved.savedAt ?? this.#now, this.#now);
    this.#sessions = new RoomSessions(ttlMs, savedAt, channels);
    this.#sockets = new LiveSockets(sockets, saved.lastBroadcasts);
    this.#history = new HistorySteps(historyStore.read());
    restoreSessions(saved.sessions, savedAt, this.#sessions, this.#sockets);
    this.#startHistory(savedAt);
    const state = { ...options, sessions: this.#sessions, sockets: this.#sockets };
    this.#broadcasts = new ChannelBroadcasts({ ...state, onSent: () => this.#saver.schedule() });
    // A save in the middle of an event holds the visits of its sessions. Otherwise a crash after it loses these visits.
    const history = () => {
      this.#recordVisits();
      return this.#history.rows;
    };
    this.#saver = new RoomSaver({
      ...state,
      broadcasts: this.#broadcasts,
      history,
      lastRunAt: saved.savedAt,
    });
    this.applyPings();
  }

  /** The counts of the default channel. A live view, as of the last call: do not keep it. */
  get counts(): MoodCounts {
    return this.#sessions.counts;
  }

  /** Returns the counts of any channel. A live view, as of the last call: do not keep it. */
  countsOf(channel: string): MoodCounts {
    return this.#sessions.countsOf(channel);
  }

  get acceptsSockets(): boolean {
    return this.#sockets.size < LIVE_SOCKETS_MAX;
  }

  get #now(): number {
    return this.#options.runtime.now();
  }

  /** Returns when to call `applyPings` next (ms). Undefined without sockets, because each other call expires sessions too. */
  nextEnd(): number | undefined {
    return this.#sockets.size === 0 ? undefined : this.#sessions.nextEnd(this.#now);
  }

  /** Applies the updates of a replica. The records in the answer are live views: do not keep them. */
  sync({ since, updates, wantsChannels }: RoomReport): RoomAnswer {
    const now = this.#now;
    this.#expire(now);
    // Before the merges, otherwise the replica gets its own changes back.
    const changed =
      since?.epoch === this.#options.epoch ? this.#sessions.changesSince(since.number) : undefined;
    let isFull = false;
    for (const [key, record] of updates) {
      const isKept = this.#keepPresentBySocket(key, record, now);
      const result = isKept ? 'outdated' : this.#sessions.merge(key, record, now);
      if (result === 'applied') this.#saver.add(key);
      if (result === 'outdated') changed?.add(key);
      if (result === 'full') isFull = true;
      if (result === 'full' || result === 'too many channels') this.#reportRefused(isFull);
    }
    this.#publish();
    return {
      version: { epoch: this.#options.epoch, number: this.#sessions.changeCount },
      isSnapshot: changed === undefined,
      sessions: changed === undefined ? this.#sessions.present : this.#recordsOf(changed),
      isFull: isFull || this.#sessions.isFull,
      includesChannels: wantsChannels,
    };
  }

  /** Returns the history of the default channel. */
  history(): History {
    const now = this.#now;
    this.#expire(now);
    this.#publish();
    return this.#history.answer(now);
  }

  /** Opens a socket, and sends it the counts of its channel. The socket keeps the channel. */
  open(socket: SocketPort, channel = DEFAULT_CHANNEL): void {
    const now = this.#now;
    this.#expire(now);
    this.#sockets.open(socket, channel, this.countsOf(channel), now);
    this.#publish();
  }

  /** Applies a message of a socket, or closes the socket with a reason. */
  receive(port: SocketPort, message: string | ArrayBuffer): void {
    const socket = this.#sockets.get(port);
    // The room closed the socket. Its client can send messages until it gets the close.
    if (socket === undefined) return;
    const now = this.#now;
    const refusal = this.#apply(socket, message, now);
    if (refusal !== undefined) this.#leave(this.#sockets.close(port, refusal), now);
    this.#expire(now);
    this.#publish();
  }

  /**
   * Ends a socket that its client closed, or that broke. Its session leaves, unless the client closed it with `HANDOVER_CODE`.
   * Then the last message or ping of the socket counts like an HTTP heartbeat. The session expires one TTL later.
   *
   * @param code The client's close code, if it sent one.
   */
  close(socket: SocketPort, code?: number): void {
    const now = this.#now;
    const closed = this.#sockets.close(socket, CLOSE.byClient);
    if (code !== HANDOVER_CODE) this.#leave(closed, now);
    else if (closed !== undefined) this.#mergePing(closed.key, closed, now);
    this.#expire(now);
    this.#publish();
  }

  /** Applies the last ping of each socket, closes the sockets of expired and refused sessions, and expires sessions. */
  applyPings(): void {
    const now = this.#now;
    for (const [key, record] of this.#sockets.sessions()) {
      const result = this.#mergePing(key, record, now);
      // While the session is present, `expire` closes its sockets. It must still see their last ping.
      if (result === 'expired' && !this.#sessions.present.has(key))
        this.#sockets.closeSession(key, CLOSE.sessionExpired);
      if (result === 'full') this.#sockets.closeSession(key, CLOSE.roomFull);
    }
    this.#sessions.forgetNextEnd();
    this.#expire(now);
    this.#publish();
  }

  #startHistory(savedAt: number): void {
    const count = totalOf(this.#sessions.counts);
    // A room of version 1.0 has stored no history. Its present sessions count as visits, otherwise their history has none.
    if (this.#history.rows.size === 0) this.#history.addVisits(count, savedAt);
    this.#history.setCount(count, savedAt);
  }

  /** Refreshes a session with an open live socket on a leave from another tab. Returns whether the record is such a leave. */
  #keepPresentBySocket(key: string, leave: SessionRecord, now: number): boolean {
    if (leave.mood !== null) return false;
    const lastSeen = this.#sockets.lastSeen(key);
    if (lastSeen === undefined || lastSeen + this.#options.ttlMs <= now) return false;
    const known = this.#sessions.get(key);
    if (!known?.mood || !overrules(leave, known)) return false;
    const recordedAt = this.#sessions.heartbeat(key, known.mood, now, leave);
    this.#saver.add(key);
    if (recordedAt !== undefined) this.#sockets.setRecordedAt(key, recordedAt);
    return true;
  }

  /** Returns why the message closes its socket, if it does. */
  #apply(socket: LiveSocket, message: string | ArrayBuffer, now: number): SocketClose | undefined {
    if (this.#sockets.countMessage(socket, now)) return CLOSE.tooManyMessages;
    const read = readMessage(message);
    if ('reason' in read) return read;
    const { mood, sessionId } = read;
    const key = sessionId === undefined ? socket.session?.key : sessionKey(socket.channel, sessionId);
    if (key === undefined) return CLOSE.notJoined;
    if (socket.session !== undefined && socket.session.key !== key) return CLOSE.otherSession;
    const recordedAt = this.#sessions.heartbeat(key, mood, now);
    if (recordedAt === undefined) {
      this.#reportRefused(this.#sessions.isFull);
      return CLOSE.roomFull;
    }
    this.#saver.add(key);
    this.#sockets.join(socket, { key, mood, lastMessageAt: now, recordedAt });
    return undefined;
  }

  /** Merges the last message or ping of a session's sockets. */
  #mergePing(key: string, { mood, lastSeen }: SessionRecord, now: number): MergeResult {
    // Another tab may have set a later mood.
    const record = { mood: this.#sessions.get(key)?.mood ?? mood, lastSeen };
    const result = this.#sessions.merge(key, record, now, true);
    if (result === 'applied') this.#saver.add(key);
    if (result === 'full') this.#reportRefused(true);
    return result;
  }

  /** Ends the session of a closed socket, unless another socket or a later heartbeat keeps it. */
  #leave(closed: ClosedSocket | undefined, now: number): void {
    if (closed === undefined || closed.hasOtherSocket) return;
    const record = this.#sessions.get(closed.key);
    // A later heartbeat arrived by HTTP, from another tab or after a reload. The session stays.
    if (record === undefined || record.lastSeen > closed.recordedAt) return;
    this.#sessions.leave(closed.key, now);
    this.#saver.add(closed.key);
  }

  #expire(now: number): void {
    this.#sessions.expire(now, this.#expiryHooks);
  }

  #recordsOf(keys: Iterable<string>): SessionRecords {
    const records = new Map<string, SessionRecord>();
    for (const key of keys) records.set(key, this.#sessions.get(key) ?? { mood: null, lastSeen: 0 });
    return records;
  }

  #reportRefused(isFull: boolean): void {
    const what = isFull ? 'the room is full: it refuses new sessions' : 'the room refuses new channels';
    this.#options.report(`${what}, which count at their own isolate only`);
  }

  /**
   * Ends each event: records it in the history, and schedules broadcast and save. Their timers cost less than an alarm, and delay
   * hibernation by at most 5 s.
   */
  #publish(): void {
    this.#recordVisits();
    // Once per event, because sessions that start and leave in one sync are not present at the same time.
    this.#history.setCount(totalOf(this.#sessions.counts), this.#now);
    this.#broadcasts.schedule();
    this.#saver.schedule();
  }

  #recordVisits(): void {
    this.#history.addVisits(this.#sessions.takeVisits(), this.#now);
  }
}

interface RoomOptions extends Pick<SaverOptions, 'runtime' | 'report' | 'journal' | 'historyStore'> {
  readonly ttlMs: number;
  /** Another id at each start of the room. */
  readonly epoch: string;
  /** The sockets that are open at the start. */
  readonly sockets: Iterable<SocketPort>;
  readonly channels?: ChannelRules | undefined;
}
