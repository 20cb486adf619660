import { readFileSync } from 'node:fs';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { COMPATIBILITY_DATE } from '../../tests/support/compatibility-date';
import { HttpConnections } from './http-connections';
import { type Asking, requestsOf } from './running-app';

const CONNECTIONS = 50;
const SESSIONS = 1_000;
const WARM_UP = { requests: 30_000 };
const PROFILED = { requests: 30_000 };
const SAMPLE_MICROSECONDS = 100;

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** The time before each sample (µs). */
  readonly timeDeltas: readonly number[];
}

/** The CPU time of a request in each part (µs), by V8's sampling profiler. The profiler makes each part longer. */
export type ProfileParts = ReadonlyMap<string, number>;

/** Profiles an app in workerd under full load. The script must not be minified, otherwise no part has a name. */
export async function cpuProfile(scriptPath: string, asking: Asking): Promise<ProfileParts> {
  const worker = {
    name: 'app',
    modules: true,
    scriptPath,
    compatibilityDate: COMPATIBILITY_DATE,
    kvNamespaces: ['PRESENCE_KV'],
    bindings: { SESSION_TTL_SECONDS: '600', NEW_SESSION_LIMIT: 'off' },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ inspectorPort: 0, workers: [worker] }));
  await miniflare.ready;
  const connections = await HttpConnections.open(await miniflare.unsafeGetDirectURL('app'), CONNECTIONS);
  const inspector = await Inspector.open(await miniflare.getInspectorURL());
  const requests = (connection: number) => requestsOf(asking, 0, connection, SESSIONS);
  await connections.load(requests, WARM_UP);
  await inspector.send('Profiler.enable');
  await inspector.send('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
  await inspector.send('Profiler.start');
  await connections.load(requests, PROFILED);
  const { profile } = (await inspector.send('Profiler.stop')) as { profile: Profile };
  inspector.close();
  connections.close();
  await miniflare.dispose();
  return partsOf(profile, readFileSync(scriptPath, 'utf8').split('\n'));
}

/** Sums the time of the samples by the package of the function, or by the name of a native function. */
function partsOf({ nodes, samples, timeDeltas }: Profile, lines: readonly string[]): ProfileParts {
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame, lines)]));
  const microseconds = new Map<string, number>();
  for (const [n, id] of samples.entries()) {
    const part = parts.get(id) ?? '';
    const time = (timeDeltas[n] ?? 0) / PROFILED.requests;
    microseconds.set(part, (microseconds.get(part) ?? 0) + time);
  }
  return microseconds;
}

/** esbuild writes the path of a module in a comment above it. */
const MODULE = /^\/\/ (?:node_modules\/((?:@[^/]+\/)?[^/]+)|src|tools)\//;

function partOf(
  { functionName, url, lineNumber }: Profile['nodes'][number]['callFrame'],
  lines: readonly string[],
): string {
  if (url === '') return functionName === '' ? 'other native functions' : functionName;
  for (let line = lineNumber; line >= 0; line -= 1) {
    const module = MODULE.exec(lines[line] ?? '');
    if (module !== null) return module[1] ?? 'this project';
  }
  return 'other native functions';
}

/** A connection to workerd's inspector: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data));
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  static async open(url: URL): Promise<Inspector> {
    const list = (await (await fetch(new URL('/json', url.href.replace('ws', 'http')))).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(list[0]?.webSocketDebuggerUrl ?? url.href);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  send(method: string, params: object = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    this.#socket.close();
  }
}
