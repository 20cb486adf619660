import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { DEFAULT_MOOD } from '../../src/moods';
import { COMPATIBILITY_DATE } from '../../tests/support/compatibility-date';
import { sessionId } from '../../tests/support/session-id';
import { workerdProcesses } from '../../tests/support/workerd-processes';

const CONNECTIONS = 50;
/** Most sessions that one load comes from, whatever the crowd: their requests are built before it starts. */
const WINDOW = 5_000;
/** A tick of /proc/<pid>/stat, which is 10 ms on every usual Linux. */
const TICK_MICROSECONDS = 10_000;

export interface AppOptions {
  readonly scriptPath: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** What is asked for again and again. */
export interface Asking {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly contentType?: string;
}

export const HEARTBEAT: Asking = { method: 'POST', path: '/api/heartbeat', contentType: 'application/json' };

export interface Load {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU time that workerd took meanwhile, for each request (µs); NaN where there is no /proc. */
  readonly cpuMicroseconds: number;
}

/** Starts Workers in one workerd, each with a KV namespace of its own and a socket straight into it. */
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
  const processId = [...workerdProcesses().keys()].find((id) => !before.has(id));
  const running = workers.map(async ({ name }) => {
    const kv = await miniflare.getKVNamespace('PRESENCE_KV', name);
    return runningApp(await miniflare.unsafeGetDirectURL(name), kv, processId);
  });
  return { apps: await Promise.all(running), dispose: () => miniflare.dispose() };
}

function runningApp(
  url: URL,
  kv: { put(key: string, value: string): Promise<void> },
  processId: number | undefined,
) {
  let beatenUntil = 0;

  async function run(asking: Asking, sessions: number, until: { amount: number } | { duration: number }) {
    const from = beatenUntil;
    beatenUntil = (from + WINDOW) % Math.max(sessions, 1);
    let connection = 0;
    const result = await autocannon({
      url: url.href,
      connections: CONNECTIONS,
      ...until,
      setupClient: (client) => {
        client.setRequests(requestsOf(asking, from, connection, sessions));
        connection += 1;
      },
    });
    const failed = result.non2xx + result.errors + result.timeouts;
    if (failed > 0) throw new Error(`${asking.path}: ${failed} of ${result.requests.total} requests failed.`);
    return result;
  }

  return {
    store: (key: string, value: string) => kv.put(key, value),

    /** Asks for the presence state once. */
    async ask(): Promise<void> {
      await (await fetch(new URL('/api/presence', url))).text();
    },

    /** Makes so many sessions live. */
    async fill(sessions: number): Promise<void> {
      for (let from = 0; from < sessions; from += WINDOW) {
        const amount = Math.min(WINDOW, sessions - from);
        await run(HEARTBEAT, sessions, { amount: Math.max(amount, CONNECTIONS) });
      }
    },

    /** Asks as fast as it can, for so many seconds, on behalf of sessions out of a crowd of `sessions`. */
    async load(asking: Asking, sessions: number, seconds: number): Promise<Load> {
      const cpuBefore = cpuMicrosecondsOf(processId);
      const { requests, latency, duration } = await run(asking, sessions, { duration: seconds });
      return {
        requestsPerSecond: requests.total / duration,
        p99Ms: latency.p99,
        cpuMicroseconds: (cpuMicrosecondsOf(processId) - cpuBefore) / requests.total,
      };
    },
  };
}

function cpuMicrosecondsOf(processId: number | undefined): number {
  if (processId === undefined) return Number.NaN;
  // Fields 14 and 15, in user and in kernel mode; the name before them is in brackets.
  const fields = readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROSECONDS;
}

/** The requests of one connection, which takes every 50th session of the window. */
function requestsOf(
  { method, path, contentType }: Asking,
  from: number,
  connection: number,
  sessions: number,
) {
  if (method === 'GET') return [{ method, path }];
  const length = Math.ceil(Math.min(WINDOW, sessions) / CONNECTIONS);
  const ids = Array.from({ length }, (_, n) => sessionId((from + n * CONNECTIONS + connection) % sessions));
  return ids.map((id) => ({
    method,
    path,
    headers: { 'Content-Type': contentType ?? 'application/json' },
    body: JSON.stringify({ sessionId: id, mood: DEFAULT_MOOD }),
  }));
}
