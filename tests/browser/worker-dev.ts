import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PresenceState } from '../../src/client/presence';

const WRANGLER = resolve('node_modules/wrangler/bin/wrangler.js');
const START_MAX_MS = 60_000;

/** `npm run worker:dev`, on a port of its own and with an empty store. */
export class WorkerDev {
  readonly #process: ChildProcess;
  readonly #state = mkdtempSync(join(tmpdir(), 'presence-'));
  #log = '';

  constructor(variables: Readonly<Record<string, string>> = {}) {
    const vars = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
    const args = [WRANGLER, 'dev', '--port', '0', '--persist-to', this.#state, ...vars];
    this.#process = spawn(process.execPath, args, {
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: 'false',
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        NO_COLOR: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (text) => {
        this.#log += text;
      });
  }

  /** @throws {Error} with what wrangler said, if it does not start. */
  async origin(): Promise<string> {
    for (const startedAt = Date.now(); Date.now() - startedAt < START_MAX_MS; ) {
      const port = /Ready on http:\/\/\S+:(\d+)/.exec(this.#log)?.[1];
      if (port !== undefined) return `http://localhost:${port}`;
      if (this.#process.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`wrangler dev did not start:\n${this.#log}`);
  }

  /** The requests so far, such as `POST /api/heartbeat 200`. */
  get requests(): readonly string[] {
    return [...this.#log.matchAll(/(?:GET|POST|OPTIONS|HEAD) \/\S* \d{3}/g)].map(([request]) => request);
  }

  async presence(): Promise<PresenceState> {
    return (await fetch(`${await this.origin()}/api/presence`)).json();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill();
    await closed;
    rmSync(this.#state, { recursive: true, force: true });
  }
}
