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

export const TTL = 30_000;

/** A room with its journal and its sockets. It can lose its memory. */
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

  /** The room loses its memory. It starts again with its journal and with these sockets. */
  restart(sockets: readonly FakeSocket[] = this.openSockets): void {
    this.#room = this.#start(sockets);
  }

  /** A replica sends updates. The answer is the one that the replica gets. */
  sync(updates: Readonly<Record<string, SessionRecord>> = {}, since?: RoomVersion): RoomAnswer {
    return answerFromWire(
      answerToWire(this.#room.sync({ since, updates: Object.entries(updates), wantsChannels: true })),
    );
  }

  /** A replica sends a heartbeat of now. */
  heartbeat(id: string, mood: Mood = 'presence'): RoomAnswer {
    return this.sync({ [id]: { mood, lastSeen: this.runtime.now() } });
  }

  /** A replica sends a leave of now. */
  leave(id: string): RoomAnswer {
    return this.sync({ [id]: { mood: null, lastSeen: this.runtime.now() } });
  }

  /** The present session as the room has it now. */
  recordOf(id: string): SessionRecord | undefined {
    return this.sync().sessions.get(id);
  }

  /** Opens a socket that watches. */
  open(channel?: string): FakeSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    this.#room.open(socket, channel);
    return socket;
  }

  /** Opens a socket that joins. */
  join(sessionId: string, mood: Mood = 'presence', channel?: string): FakeSocket {
    const socket = this.open(channel);
    this.send(socket, { sessionId, mood });
    return socket;
  }

  send(socket: FakeSocket, message: unknown): void {
    const isRaw = typeof message === 'string' || message instanceof ArrayBuffer;
    this.#room.receive(socket, isRaw ? message : JSON.stringify(message));
  }

  /** The client closes its socket. */
  close(socket: FakeSocket, code = 1000): void {
    this.#room.close(socket, code);
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
