import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy between a browser and a Worker. A test breaks its connections as a network does, also those of WebSockets. WebDriver BiDi
 * intercepts only HTTP requests.
 */
export class BreakableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isOnline = true;

  private constructor(target: URL) {
    this.#server = createServer((incoming) => {
      this.#add(incoming);
      if (!this.#isOnline) return void incoming.resetAndDestroy();
      const outgoing = connect(Number(target.port), target.hostname);
      this.#add(outgoing);
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('close', () => outgoing.destroy());
      outgoing.on('close', () => incoming.destroy());
    });
  }

  /** @param target The origin of the Worker. */
  static async start(target: string): Promise<BreakableProxy> {
    const proxy = new BreakableProxy(new URL(target));
    proxy.#server.listen(0, 'localhost');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get origin(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://localhost:${port}`;
  }

  /** Resets all open connections. New ones work. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Resets all connections, also new ones until `goOnline`. */
  goOffline(): void {
    this.#isOnline = false;
    this.breakConnections();
  }

  goOnline(): void {
    this.#isOnline = true;
  }

  async close(): Promise<void> {
    this.goOffline();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // A connection that breaks emits an error. Without a listener it ends the process.
    socket.on('error', () => undefined);
  }
}
