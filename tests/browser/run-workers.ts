import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

/** Where a Worker answers, and the file with what it logs. */
export interface RunningWorker {
  readonly origin: string;
  readonly log: string;
}

/** The session that ends soon, so that tests need not wait for long; and what else differs from the defaults. */
const SHORT = { SESSION_TTL_SECONDS: '5' };
const variablesFor = (listedPort: number) => ({
  default: {},
  kv: SHORT,
  background: SHORT,
  'durable-object': { ...SHORT, PRESENCE_HUB: 'durable-object' },
  open: {},
  listed: { ALLOWED_ORIGINS: `http://127.0.0.1:${listedPort}` },
});

export type WorkerName = keyof ReturnType<typeof variablesFor>;

declare module 'vitest' {
  interface ProvidedContext {
    readonly workers: Readonly<Record<WorkerName, RunningWorker>>;
    /** Where a site of 127.0.0.1 has the only origin that the Worker `listed` allows. */
    readonly listedPort: number;
  }
}

const WRANGLER = resolve('node_modules/wrangler/bin/wrangler.js');
const START_MAX_MS = 60_000;

/** Runs `npm run worker:dev` for each file of tests. One after the other: each builds the site anew. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'presence-'));
  const processes: ChildProcess[] = [];
  const teardown = async () => {
    for (const child of processes) {
      const closed = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode === null && child.kill()) await closed;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const workers: Partial<Record<WorkerName, RunningWorker>> = {};
  const listedPort = await freePort();
  try {
    for (const [name, variables] of Object.entries(variablesFor(listedPort))) {
      const log = join(folder, `${name}.log`);
      const child = run(variables, join(folder, name), log);
      processes.push(child);
      workers[name as WorkerName] = { origin: await originOf(child, log), log };
    }
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide('workers', workers as Record<WorkerName, RunningWorker>);
  project.provide('listedPort', listedPort);
  return teardown;
}

/** A port that nothing listens on now. The Worker must know it before the site starts. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function run(variables: Readonly<Record<string, string>>, state: string, log: string): ChildProcess {
  const vars = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const output = openSync(log, 'w');
  return spawn(process.execPath, [WRANGLER, 'dev', '--port', '0', '--persist-to', state, ...vars], {
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      NO_COLOR: '1',
    },
    stdio: ['ignore', output, output],
  });
}

/** @throws {Error} with what wrangler said, if it does not start. */
async function originOf(child: ChildProcess, log: string): Promise<string> {
  for (const startedAt = Date.now(); Date.now() - startedAt < START_MAX_MS; ) {
    const port = /Ready on http:\/\/\S+:(\d+)/.exec(readFileSync(log, 'utf8'))?.[1];
    if (port !== undefined) return `http://localhost:${port}`;
    if (child.exitCode !== null) break;
    await pause(50);
  }
  throw new Error(`wrangler dev did not start:\n${readFileSync(log, 'utf8')}`);
}
