import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.wrangler', 'coverage']);
const START_MAX_MS = 60_000;

/**
 * A terminal in a copy of the project, so that commands do not overwrite what other tests use. At most one service runs in it.
 * The service gets a free port, and the commands call that one in place of 8787.
 */
export class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'presence-docs-'));
  #service: ChildProcess | undefined;
  #host = 'localhost:8787';

  constructor() {
    cpSync('.', this.#folder, { recursive: true, filter: (from) => !NOT_COPIED.has(basename(from)) });
    symlinkSync(resolve('node_modules'), join(this.#folder, 'node_modules'), 'dir');
  }

  /** Runs a command to its end, and returns its output. Rejects if the command fails. */
  async run(command: string): Promise<string> {
    const here = command.replaceAll('localhost:8787', this.#host);
    const { stdout } = await promisify(execFile)('bash', ['-c', here], { cwd: this.#folder, env: ENV });
    return stdout;
  }

  /** Starts a service in place of the last one. Returns its output until it is ready. */
  async serve(command: string): Promise<string> {
    await this.#stop();
    const options = `${command.includes(' -- ') ? '' : '-- '}--port 0 --persist-to state`;
    const service = spawn('bash', ['-c', `${command} ${options}`], {
      cwd: this.#folder,
      env: ENV,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#service = service;
    let printed = '';
    const ready = new Promise<void>((done, fail) => {
      service.stdout.on('data', (chunk) => {
        printed += chunk;
        const host = /Ready on http:\/\/(localhost:\d+)\s/.exec(printed)?.[1];
        if (host === undefined) return;
        this.#host = host;
        done();
      });
      const failed = () => fail(new Error(`${command} did not start:\n${printed}`));
      service.once('exit', failed);
      setTimeout(failed, START_MAX_MS).unref();
    });
    await ready;
    return printed.replaceAll(this.#host, 'localhost:8787');
  }

  async close(): Promise<void> {
    await this.#stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #stop(): Promise<void> {
    const pid = this.#service?.pid;
    if (this.#service === undefined || pid === undefined || this.#service.exitCode !== null) return;
    const exited = once(this.#service, 'exit');
    process.kill(-pid);
    await exited;
  }
}

/** The environment of a user's shell, without the variables of npm and Vitest. Otherwise they change what the commands do. */
const ENV = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|vitest|node_env)/i.test(name)),
  ),
  NO_COLOR: '1',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};
