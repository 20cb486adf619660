import { PresenceState } from '../../../src/api/answer-schemas';
import { urlOfChannel } from '../../../src/presence/room/room-protocol';
import type { RealRoom } from './real-room';

/** A live socket to the room without a Worker in between. It keeps the states that it receives. */
export class RoomClient {
  readonly states: PresenceState[] = [];
  readonly closed = Promise.withResolvers<{ code: number; reason: string }>();
  #ponged: () => void = () => undefined;
  readonly #room: RealRoom;
  readonly #socket: WebSocket;

  private constructor(room: RealRoom, socket: WebSocket) {
    this.#room = room;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong') this.#ponged();
      else this.states.push(PresenceState.parse(JSON.parse(String(data))));
    });
    socket.addEventListener('close', ({ code, reason }) => this.closed.resolve({ code, reason }));
    socket.accept();
  }

  static async open(room: RealRoom, channel?: string): Promise<RoomClient> {
    const { webSocket } = await requestSocket(room, channel);
    if (webSocket === null) throw new Error('No socket.');
    return new RoomClient(room, webSocket);
  }

  async send(message: string | object): Promise<void> {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    await delivered(this.#room);
  }

  /** Sends a ping. Resolves with the answer. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      this.#ponged = resolve;
      this.#socket.send('ping');
    });
  }

  async close(code = 1000): Promise<void> {
    this.#socket.close(code);
    await delivered(this.#room);
  }

  get last(): PresenceState | undefined {
    return this.states.at(-1);
  }
}

/** Requests a live socket from the room. */
export const requestSocket = (room: RealRoom, channel = '') =>
  room.stub.fetch(urlOfChannel(channel), { headers: { Upgrade: 'websocket' } });

/** Waits until the room has received all messages, and its own messages have arrived. */
export async function delivered(room: RealRoom): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await room.inside(() => undefined);
}
