import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresenceState } from '../../../src/presence/session';
import { DeployedWorker } from '../../support/deployed-worker';
import { started } from '../../support/started';

/** The members of the client that these tests use. Its own types need those of a page. */
interface Client {
  createPresence(options?: { readonly url: string | URL; readonly whenHidden: 'leave' }): {
    start(): void;
    stop(): Promise<void>;
    getSnapshot(): { readonly status: string; readonly data: PresenceState | null };
  };
}

/** The `URL` of React Native accepts only strings, refuses no address, and joins paths by its own rules. */
class UrlOfReactNative {
  readonly origin: string;
  constructor(url: string, base?: string) {
    if (!url.includes('://') && base !== undefined) throw new TypeError('The client must not join paths.');
    this.origin = /^https?:\/\/[^/]+/.exec(url)?.[0] ?? '';
  }
}

/** The web globals of React Native since version 0.80: no page, locks, storage or `AbortSignal.timeout`. */
const GLOBALS_OF_REACT_NATIVE = {
  AbortController,
  AbortSignal: {},
  clearTimeout,
  fetch,
  performance: { now: () => performance.now() },
  queueMicrotask,
  setTimeout,
  URL: UrlOfReactNative,
  WebSocket,
};

/** Starts one session, prints the count of its mood, and leaves. */
const ONE_SESSION = `
  const presence = createPresence({ url, mood: 'release' });
  const mood = new Promise((resolve) => {
    presence.subscribe(({ status, data }) => status === 'live' && resolve(data.moods.release));
  });
  presence.start();
  console.log(await mood);
  await presence.stop();
`;

/** Starts a session in each of two threads, prints the count when both are live, and leaves. */
const TWO_THREADS = `
  import { once } from 'node:events';
  import { isMainThread, parentPort, Worker } from 'node:worker_threads';
  if (isMainThread) {
    const threads = [1, 2].map(() => new Worker(new URL(import.meta.url), { argv: [url] }));
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    console.log((await (await fetch(url + '/api/presence')).json()).count);
    for (const thread of threads) thread.postMessage('stop');
  } else {
    const presence = createPresence({ url });
    presence.subscribe(({ status }) => status === 'live' && parentPort.postMessage(status));
    parentPort.once('message', () => presence.stop());
    presence.start();
  }
`;

const bundle = (options: BuildOptions) =>
  build({ entryPoints: ['src/client/presence.ts'], bundle: true, write: false, ...options });

/** Returns the client of a realm that has only these globals. */
async function clientOf(globals: object): Promise<Client> {
  const { outputFiles } = await bundle({ format: 'iife', globalName: 'client' });
  const realm = createContext({ ...globals });
  runInContext(started(outputFiles?.[0]).text, realm);
  return runInContext('client', realm);
}

describe.each(['kv', 'durable-object'])('no page, %s', (hub) => {
  const folder = mkdtempSync(join(tmpdir(), 'presence-node-'));
  let worker: DeployedWorker | undefined;
  const origin = () => started(worker).origin;
  const count = async () => (await started(worker).presence()).count;
  /** A leave by socket takes effect at the next sync. */
  const hasLeft = () => expect.poll(count, { timeout: 4_000 }).toBe(0);
  beforeAll(async () => {
    worker = await DeployedWorker.start({ PRESENCE_HUB: hub });
    await bundle({ format: 'esm', outfile: join(folder, 'client.mjs'), write: true });
  });
  afterAll(async () => {
    await worker?.dispose();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['a Node process counts as one session and leaves', ONE_SESSION, '1\n'],
    ['two threads of a Node process count as two sessions and leave', TWO_THREADS, '2\n'],
  ])('%s, and the process ends by itself', async (_, program, printed) => {
    const file = join(folder, 'program.mjs');
    const setting = "import { createPresence } from './client.mjs'; const url = process.argv[2];";
    writeFileSync(file, setting + program);
    // This is the Node that runs npm. The lock file installs a newer one for npm's scripts.
    const node = process.env['npm_node_execpath'] ?? process.execPath;
    // A client that is not stopped sends its next heartbeat after 9 s or more.
    const { stdout } = await promisify(execFile)(node, [file, origin()], { timeout: 8_000 });
    expect(stdout).toBe(printed);
    await hasLeft();
  });

  it('a program with the globals of React Native counts as one session and leaves', async () => {
    const { createPresence } = await clientOf(GLOBALS_OF_REACT_NATIVE);
    const presence = createPresence({ url: new URL('/app', origin()), whenHidden: 'leave' });
    presence.start();
    await expect.poll(() => presence.getSnapshot().data?.count).toBe(1);
    await presence.stop();
    await hasLeft();
  });
});

it('a program without a page gets an error that names the missing option', async () => {
  const presence = (await clientOf(GLOBALS_OF_REACT_NATIVE)).createPresence();
  expect(presence.getSnapshot().status).toBe('idle');
  expect(() => presence.start()).toThrow('url must be an address such as https://presence.example.');
});
