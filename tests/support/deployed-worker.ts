import { stripVTControlCharacters } from 'node:util';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import type { PresenceState } from '../../src/presence/session';
import { COMPATIBILITY_DATE } from './compatibility-date';
import { limiterOf } from './limiter';

/** Keeps the log lines of Miniflare, such as `GET /health 200 OK (2ms)`, and does not print them. */
class RequestLog extends Log {
  readonly requests: string[] = [];

  protected override log(line: string): void {
    const [request] = /(?:GET|POST|OPTIONS|HEAD) \/\S* \d{3}/.exec(stripVTControlCharacters(line)) ?? [];
    if (request !== undefined) this.requests.push(request);
  }
}

/** Runs the bundle and the static assets of a deploy in a workerd process. A global setup builds them in `dist`. */
export class DeployedWorker {
  readonly #miniflare: Miniflare;
  readonly #log: RequestLog;
  /** On `localhost`, which is another site than the `127.0.0.1` of test pages. */
  readonly origin: string;

  private constructor(miniflare: Miniflare, log: RequestLog, port: string) {
    this.#miniflare = miniflare;
    this.#log = log;
    this.origin = `http://localhost:${port}`;
  }

  /** @param folder The folder with the bundle and the static assets. */
  static async start(
    variables: Readonly<Record<string, string>> = {},
    folder = 'dist',
  ): Promise<DeployedWorker> {
    const log = new RequestLog(LogLevel.INFO);
    const options = convertV4MiniflareOptions({
      host: 'localhost',
      cf: false,
      log,
      workers: [
        {
          name: 'presence',
          modules: true,
          scriptPath: `${folder}/index.js`,
          modulesRoot: folder,
          compatibilityDate: COMPATIBILITY_DATE,
          bindings: variables,
          kvNamespaces: ['PRESENCE_KV'],
          ratelimits: limiterOf(),
          durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', useSQLite: true } },
          assets: { directory: `${folder}/site`, routerConfig: { has_user_worker: true } },
        },
      ],
    });
    const miniflare = new Miniflare(options);
    return new DeployedWorker(miniflare, log, (await miniflare.ready).port);
  }

  /** The requests so far, such as `POST /api/heartbeat 200`. */
  get requests(): readonly string[] {
    return this.#log.requests;
  }

  async presence(): Promise<PresenceState> {
    return (await fetch(`${this.origin}/api/presence`)).json() as Promise<PresenceState>;
  }

  dispose(): Promise<void> {
    return this.#miniflare.dispose();
  }
}
