import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.wrangler', 'coverage']);
const START_MAX_MS = 60_000;

/**
 * A terminal in a copy of the project, so that what the commands build is in nobody's way. One service may run in it, as in
 * the documents; its port is a free one, and the commands find it there.
 */
export class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'presence-readme-'));
  #service: ChildProcess | undefined;
  #host = 'localhost:8787';

  constructor() {
    cpSync('.', this.#folder, { recursive: true, filter: (from) => !NOT_COPIED.has(basename(from)) });
    symlinkSync(resolve('node_modules'), join(this.#folder, 'node_modules'), 'dir');
  }

  /** Runs a command to its end, and returns what it printed. Rejects if it fails. */
  async run(command: string): Promise<string> {
    const here = command.replaceAll('localhost:8787', this.#host);
    const { stdout } = await promisify(execFile)('bash', ['-c', here], { cwd: this.#folder, env: ENV });
    return stdout;
  }

  /** Starts the service that a command runs, in place of the one before, and returns what it printed until it was ready. */
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

/** Of a user's own shell: what npm and Vitest have told this process would mislead those that it starts. */
const ENV = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|vitest|node_env)/i.test(name)),
  ),
  NO_COLOR: '1',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};
