import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A request, written byte for byte as given, for what no HTTP client would send. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Written one after the other, 5 ms apart. */
  readonly body: readonly (string | Uint8Array)[];
  /** What `Content-Length` says; without it, that none is sent. */
  readonly contentLength?: string | undefined;
  /** The client goes away when it has sent this much, instead of waiting for an answer. */
  readonly goesAway?: boolean;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** The whole answer as it came. */
  readonly text: string;
}

const SILENCE_MAX_MS = 5_000;

/** Sends it, and returns the answer; undefined if the server closed the connection without one. */
export function sendRaw(origin: URL, request: RawRequest): Promise<RawAnswer | undefined> {
  const { method, path, headers, body, contentLength, goesAway = false } = request;
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
    socket.setTimeout(SILENCE_MAX_MS, () => {
      socket.destroy();
      reject(new Error('Neither an answer nor an end.'));
    });
    socket.on('data', (data) => {
      received.push(data);
      // The answer to a body that goes on may be there before the server closes.
      if (isWhole(Buffer.concat(received).toString('latin1'), method)) finish();
    });
    socket.on('close', finish);
    // A server that has refused a body may reset the connection while the rest of it comes.
    socket.on('error', finish);
    socket.write(Buffer.from(`${head}\r\n\r\n`, 'latin1'));
    void writeAll(body).then(() => {
      if (goesAway) setTimeout(() => socket.destroy(), 50);
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
  // An interim answer, to Expect: 100-continue.
  if (statusLine.includes(' 100 ')) return parseAnswer(text.slice(end + 4), method);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4), text };
}
