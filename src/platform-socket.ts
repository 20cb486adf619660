import type { SocketPort } from './presence/room/socket-port';

/**
 * The platform's sockets as ports of the room. The platform answers `ping` with `pong` and does not run the object:
 * https://developers.cloudflare.com/durable-objects/best-practices/websockets/
 */
export class PlatformSockets {
  readonly #state: SocketState;
  readonly #ports = new WeakMap<WebSocket, SocketPort>();

  constructor(state: SocketState) {
    this.#state = state;
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** The open sockets, including those from before a hibernation. */
  open(): readonly SocketPort[] {
    return this.#state.getWebSockets().map((socket) => this.portOf(socket));
  }

  accept(socket: WebSocket): SocketPort {
    this.#state.acceptWebSocket(socket);
    return this.portOf(socket);
  }

  /** Returns the same port in each call for one socket. */
  portOf(socket: WebSocket): SocketPort {
    const port = this.#ports.get(socket) ?? new PlatformSocket(socket, this.#state);
    this.#ports.set(socket, port);
    return port;
  }
}

/** The part of the object's state that holds its sockets. */
export type SocketState = Pick<
  DurableObjectState,
  'acceptWebSocket' | 'getWebSockets' | 'setWebSocketAutoResponse' | 'getWebSocketAutoResponseTimestamp'
>;

class PlatformSocket implements SocketPort {
  readonly #socket: WebSocket;
  readonly #state: SocketState;

  constructor(socket: WebSocket, state: SocketState) {
    this.#socket = socket;
    this.#state = state;
  }

  get attachment(): unknown {
    return this.#socket.deserializeAttachment();
  }

  get lastPingAt(): number | undefined {
    return this.#state.getWebSocketAutoResponseTimestamp(this.#socket)?.getTime();
  }

  remember(attachment: unknown): void {
    try {
      this.#socket.serializeAttachment(attachment);
    } catch {
      // The socket is closed already.
    }
  }

  send(text: string): void {
    try {
      this.#socket.send(text);
    } catch {
      // The socket is closing. Its close event follows.
    }
  }

  close(code: number, reason: string): void {
    try {
      this.#socket.close(code, reason);
    } catch {
      // The socket is closed already.
    }
  }
}
