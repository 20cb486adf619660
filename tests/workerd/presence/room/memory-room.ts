import { ROOM_SAVE_INTERVAL_MS } from '../../../../src/limits';
import type { ChannelRules } from '../../../../src/presence/channel-rules';
import { Room } from '../../../../src/presence/room/room';
import {
  answerFromWire,
  answerToWire,
  type RoomAnswer,
  type RoomVersion,
} from '../../../../src/presence/room/room-protocol';
import type { Mood, SessionRecord } from '../../../../src/presence/session';
import { FakeRuntime } from '../../../support/fake-runtime';
import { MemoryHistory } from '../../../support/memory-history';
import { FakeSocket } from './fake-socket';
import { MemoryJournal } from './memory-journal';
import { TTL } from './room-replica';

/** A room whose journal, history and sockets are in memory. A restart keeps all three. */
export class MemoryRoom {
  readonly runtime = new FakeRuntime();
  readonly journal = new MemoryJournal(this.runtime);
  readonly history = new MemoryHistory();
  readonly reports: string[] = [];
  readonly sockets: FakeSocket[] = [];
  #epochs = 0;
  readonly #channels: ChannelRules | undefined;
  #room: Room;

  constructor(channels?: ChannelRules) {
    this.#channels = channels;
    this.#room = this.#start();
  }

  get room(): Room {
    return this.#room;
  }

  get openSockets(): readonly FakeSocket[] {
    return this.sockets.filter(({ isOpen }) => isOpen);
  }

  /** Replaces the room by a new one, which reads the journal and has only these sockets. */
  restart(sockets: readonly FakeSocket[] = this.openSockets): void {
    this.#room = this.#start(sockets);
  }

  /** Sends the updates of a replica. Returns the answer as the replica reads it. */
  sync(updates: Readonly<Record<string, SessionRecord>> = {}, since?: RoomVersion): RoomAnswer {
    return answerFromWire(
      answerToWire(this.#room.sync({ since, updates: Object.entries(updates), wantsChannels: true })),
    );
  }

  /** Sends a heartbeat with the current time, as a replica does. */
  heartbeat(id: string, mood: Mood = 'presence'): RoomAnswer {
    return this.sync({ [id]: { mood, lastSeen: this.runtime.now() } });
  }

  /** Sends a leave with the current time, as a replica does. */
  leave(id: string): RoomAnswer {
    return this.sync({ [id]: { mood: null, lastSeen: this.runtime.now() } });
  }

  /** The record of a present session. `undefined` if the session is not present. */
  recordOf(id: string): SessionRecord | undefined {
    return this.sync().sessions.get(id);
  }

  /** Opens a socket that only watches. */
  open(channel?: string): FakeSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    this.#room.open(socket, channel);
    return socket;
  }

  /** Opens a socket and joins with a session. */
  join(sessionId: string, mood: Mood = 'presence', channel?: string): FakeSocket {
    const socket = this.open(channel);
    this.send(socket, { sessionId, mood });
    return socket;
  }

  send(socket: FakeSocket, message: unknown): void {
    const isRaw = typeof message === 'string' || message instanceof ArrayBuffer;
    this.#room.receive(socket, isRaw ? message : JSON.stringify(message));
  }

  /** Reports to the room that the client closed its socket. */
  close(socket: FakeSocket, code = 1000): void {
    this.#room.close(socket, code);
  }

  /** Lets the sockets ping for `ms`. The room hibernates, and restarts every 25 s for its alarm. */
  async keepPinging(sockets: readonly FakeSocket[], ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 25_000) {
      await this.runtime.advance(25_000 - ROOM_SAVE_INTERVAL_MS);
      for (const socket of sockets) socket.lastPingAt = this.runtime.now() - 3_000;
      this.restart(sockets);
      await this.runtime.advance(ROOM_SAVE_INTERVAL_MS);
    }
  }

  #start(sockets: readonly FakeSocket[] = []): Room {
    const { runtime, journal, history } = this;
    this.#epochs += 1;
    const report = (trouble: string) => void this.reports.push(trouble);
    return new Room({
      ttlMs: TTL,
      runtime,
      epoch: String(this.#epochs),
      journal,
      historyStore: history,
      sockets,
      channels: this.#channels,
      report,
    });
  }
}
