import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startTool } from './run-tool';
import type { Site } from './site';

const START_MS_MAX = 30_000;

/** Serves the build of a Next.js app with `next start`. */
export async function startNext(folder: string): Promise<Site> {
  const server = startTool(folder, ['next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', '0']);
  const ended = once(server, 'exit');
  // After SIGTERM the server waits until the browser has closed all its connections.
  const kill = () => server.kill('SIGKILL');
  const timer = setTimeout(kill, START_MS_MAX);
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (origin === undefined) continue;
      const close = async () => {
        kill();
        await ended;
      };
      return { origin, close };
    }
    throw new Error('next start has ended, or has printed no address for 30 s.');
  } finally {
    clearTimeout(timer);
  }
}
