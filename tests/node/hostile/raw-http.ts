import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A request that is written byte for byte. HTTP clients refuse to send most of the hostile ones. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** The pieces of the body are written one after the other, 5 ms apart. */
  readonly body: readonly (string | Uint8Array)[];
  /** The value of `Content-Length`. Without it the header is not sent. */
  readonly contentLength?: string | undefined;
  /** The client closes the connection 50 ms after it has written the body. */
  readonly closesEarly?: boolean;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The whole answer, unparsed. */
  readonly text: string;
}

const IDLE_MAX_MS = 5_000;

/** Sends the request and returns the answer, or undefined if the server closed the connection without one. */
export function sendRaw(origin: URL, request: RawRequest): Promise<RawAnswer | undefined> {
  const { method, path, headers, body, contentLength, closesEarly = false } = request;
  const head = [
    `${method} ${path} HTTP/1.1`,
    ...(headers.some(([name]) => name === 'Host') ? [] : [`Host: ${origin.host}`]),
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(contentLength === undefined ? [] : [`Content-Length: ${contentLength}`]),
  ].join('\r\n');
  const socket = connect(Number(origin.port), origin.hostname);
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const finish = () => {
      socket.destroy();
      resolve(parseAnswer(Buffer.concat(received).toString('latin1'), method));
    };
    socket.setTimeout(IDLE_MAX_MS, () => {
      socket.destroy();
      reject(new Error('The server neither answered nor closed the connection.'));
    });
    socket.on('data', (data) => {
      received.push(data);
      // The server may answer an endless body, and not close the connection.
      if (isWhole(Buffer.concat(received).toString('latin1'), method)) finish();
    });
    socket.on('close', finish);
    // A server that has refused a body may reset the connection during the rest of the body.
    socket.on('error', finish);
    socket.write(Buffer.from(`${head}\r\n\r\n`, 'latin1'));
    void writeAll(body).then(() => {
      if (closesEarly) setTimeout(() => socket.destroy(), 50);
    });
  });

  async function writeAll(pieces: RawRequest['body']): Promise<void> {
    for (const piece of pieces) {
      if (socket.destroyed) return;
      socket.write(piece);
      await wait(5);
    }
  }
}

function isWhole(text: string, method: string): boolean {
  const answer = parseAnswer(text, method);
  if (answer?.status === 101) return true;
  const length = answer?.headers.get('Content-Length');
  return typeof length === 'string' && (method === 'HEAD' || (answer?.body.length ?? 0) >= Number(length));
}

function parseAnswer(text: string, method: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  // This is the interim answer to `Expect: 100-continue`.
  if (statusLine.includes(' 100 ')) return parseAnswer(text.slice(end + 4), method);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4), text };
}
