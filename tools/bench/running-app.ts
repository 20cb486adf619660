import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { DEFAULT_MOOD } from '../../src/moods';
import { COMPATIBILITY_DATE } from '../../tests/support/compatibility-date';
import { sessionId } from '../../tests/support/session-id';
import { workerdProcesses } from '../../tests/support/workerd-processes';
import { microsecondsBetween, threadTimes } from './cpu-time';
import { HttpConnections, type LoadLength } from './http-connections';

const CONNECTIONS = 50;
/** One load has the requests of at most this number of sessions, because they are built before it starts. */
const WINDOW = 5_000;

export interface AppOptions {
  readonly scriptPath: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A request that a load repeats. */
export interface Asking {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly contentType?: string;
}

export const HEARTBEAT: Asking = { method: 'POST', path: '/api/heartbeat', contentType: 'application/json' };

export interface Load {
  readonly requestsPerSecond: number;
  readonly responseMs: readonly number[];
  /** CPU time of workerd for each request (µs), or NaN without /proc. */
  readonly cpuMicroseconds: number;
}

/** Starts Workers in one workerd. Each has a KV namespace of its own and a direct socket. */
export async function startApps(options: readonly AppOptions[]) {
  const workers = options.map(({ scriptPath, variables = {} }, index) => ({
    name: `app-${index}`,
    modules: true,
    scriptPath,
    compatibilityDate: COMPATIBILITY_DATE,
    kvNamespaces: { PRESENCE_KV: `kv-${index}` },
    bindings: variables,
    ...(variables['PRESENCE_HUB'] === 'durable-object' && {
      durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', useSQLite: true } },
    }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }));
  const before = workerdProcesses();
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers }));
  await miniflare.ready;
  const processId = [...workerdProcesses().keys()].find((id) => !before.has(id)) ?? Number.NaN;
  const running = workers.map(async ({ name }) => {
    const kv = await miniflare.getKVNamespace('PRESENCE_KV', name);
    return runningApp(await miniflare.unsafeGetDirectURL(name), kv, processId);
  });
  return { apps: await Promise.all(running), dispose: () => miniflare.dispose() };
}

function runningApp(url: URL, kv: { put(key: string, value: string): Promise<void> }, processId: number) {
  let nextSession = 0;

  async function run(asking: Asking, sessions: number, length: LoadLength): Promise<Load> {
    const from = nextSession;
    nextSession = (from + WINDOW) % Math.max(sessions, 1);
    const connections = await HttpConnections.open(url, CONNECTIONS);
    try {
      const before = threadTimes(processId);
      const { responseMs, seconds } = await connections.load(
        (connection) => requestsOf(asking, from, connection, sessions),
        length,
      );
      return {
        requestsPerSecond: responseMs.length / seconds,
        responseMs,
        cpuMicroseconds: microsecondsBetween(before, threadTimes(processId)) / responseMs.length,
      };
    } finally {
      connections.close();
    }
  }

  return {
    store: (key: string, value: string) => kv.put(key, value),

    /** Sends one `GET /api/presence`. */
    async ask(): Promise<void> {
      await (await fetch(new URL('/api/presence', url))).text();
    },

    /** Starts this number of sessions. */
    async fill(sessions: number): Promise<void> {
      for (let from = 0; from < sessions; from += WINDOW) {
        const amount = Math.min(WINDOW, sessions - from);
        await run(HEARTBEAT, sessions, { requests: Math.max(amount, CONNECTIONS) });
      }
    },

    /** Sends requests of sessions out of a crowd of `sessions`. Each connection sends its next one after the response. */
    load: run,
  };
}

/** Returns the requests of one connection: those of every 50th session of the window. */
export function requestsOf(
  { method, path, contentType }: Asking,
  from: number,
  connection: number,
  sessions: number,
): readonly Buffer[] {
  if (method === 'GET') return [Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`)];
  const length = Math.ceil(Math.min(WINDOW, sessions) / CONNECTIONS);
  const ids = Array.from({ length }, (_, n) => sessionId((from + n * CONNECTIONS + connection) % sessions));
  return ids.map((id) => {
    const body = JSON.stringify({ sessionId: id, mood: DEFAULT_MOOD });
    const head = [
      `POST ${path} HTTP/1.1`,
      'Host: bench',
      `Content-Type: ${contentType ?? 'application/json'}`,
      `Content-Length: ${body.length}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}
