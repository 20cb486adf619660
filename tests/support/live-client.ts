import type { PresenceState } from '../../src/presence/session';

/** A live socket as a browser has one, and the states that it has received. */
export class LiveClient {
  readonly states: PresenceState[] = [];
  readonly #socket: WebSocket;
  readonly #closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  readonly #ponged = Promise.withResolvers<void>();
  #onState: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong') {
        this.#ponged.resolve();
        return;
      }
      this.states.push(JSON.parse(String(data)) as PresenceState);
      this.#onState();
    });
    socket.addEventListener('close', ({ code, reason }) => this.#closed.resolve({ code, reason }));
  }

  /** @param headers The headers of the upgrade. Browsers cannot set them, but other clients and the platform do. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<LiveClient> {
    // The types of the DOM have no headers here, but the `WebSocket` of Node takes them.
    const options = { headers } as unknown as string[];
    const socket = new WebSocket(url, options);
    const client = new LiveClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('The socket did not open.')));
    });
    return client;
  }

  send(message: string | Uint8Array<ArrayBuffer> | object): void {
    const isRaw = typeof message === 'string' || message instanceof Uint8Array;
    this.#socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** Waits for a state that fulfils this. Returns the first one, which may have arrived before the call. */
  async stateWhere(holds: (state: PresenceState) => boolean): Promise<PresenceState> {
    for (;;) {
      const state = this.states.find(holds);
      if (state !== undefined) return state;
      await new Promise<void>((resolve) => {
        this.#onState = resolve;
      });
    }
  }

  /** Waits until the last state has this count. */
  async shows(count: number): Promise<PresenceState> {
    while (this.states.at(-1)?.count !== count) {
      await new Promise<void>((resolve) => {
        this.#onState = resolve;
      });
    }
    return this.states.at(-1) as PresenceState;
  }

  get closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#closed.promise;
  }

  get pong(): Promise<void> {
    return this.#ponged.promise;
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }
}
