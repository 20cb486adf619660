import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A load sends this number of requests, or it sends requests for this number of seconds. */
export type LoadLength = { readonly requests: number } | { readonly seconds: number };

/** The time of each response, and the time until the last response. */
export interface Responses {
  readonly responseMs: readonly number[];
  readonly seconds: number;
}

const TIMEOUT_MS = 60_000;
const HEAD_END = '\r\n\r\n';

/**
 * Connections to one app. Each sends its next request as soon as it has the response. The sender must take less CPU time than
 * workerd, otherwise it slows the app on a machine of two cores.
 */
export class HttpConnections {
  readonly #sockets: readonly Socket[];

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
  }

  static async open(url: URL, count: number): Promise<HttpConnections> {
    const sockets = Array.from({ length: count }, () =>
      connect({ host: url.hostname, port: Number(url.port), noDelay: true }),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new HttpConnections(sockets);
  }

  /** Sends the requests of each connection again and again, and waits for all responses. */
  async load(requestsOf: (connection: number) => readonly Buffer[], length: LoadLength): Promise<Responses> {
    const responseMs: number[] = [];
    const endsAt =
      'seconds' in length ? performance.now() + length.seconds * 1_000 : Number.POSITIVE_INFINITY;
    let left = 'requests' in length ? length.requests : Number.POSITIVE_INFINITY;
    const mayStart = () => left-- > 0 && performance.now() < endsAt;
    const requests = this.#sockets.map((_, connection) => requestsOf(connection));
    const startedAt = performance.now();
    await Promise.all(
      this.#sockets.map((socket, connection) =>
        repeat(socket, requests[connection] ?? [], mayStart, responseMs),
      ),
    );
    return { responseMs, seconds: (performance.now() - startedAt) / 1_000 };
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Rejects if the connection closes, if a response takes a minute, or if a status is not 200. */
function repeat(
  socket: Socket,
  requests: readonly Buffer[],
  mayStart: () => boolean,
  responseMs: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let sentAt = 0;
    let received = '';
    const send = () => {
      if (!mayStart()) return resolve();
      sentAt = performance.now();
      socket.write(requests[sent++ % requests.length] ?? '');
    };
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!isComplete(received)) return;
      responseMs.push(performance.now() - sentAt);
      if (!received.startsWith('HTTP/1.1 200 ')) return reject(new Error(received));
      received = '';
      send();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The app closed a connection.')));
    socket.setTimeout(TIMEOUT_MS, () => reject(new Error(`No response within ${TIMEOUT_MS} ms.`)));
    send();
  });
}

function isComplete(response: string): boolean {
  const headEnd = response.indexOf(HEAD_END);
  if (headEnd === -1) return false;
  const bodyBytes = /content-length: (\d+)/i.exec(response)?.[1];
  if (bodyBytes === undefined) throw new Error(`A response without a length: ${response}`);
  return response.length >= headEnd + HEAD_END.length + Number(bodyBytes);
}
