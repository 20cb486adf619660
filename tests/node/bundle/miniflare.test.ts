import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fetch, post } from '../../support/http';
import { observedFetch } from '../../support/observed-fetch';
import { sessionId } from '../../support/session-id';

const BUNDLE = 'dist/index.js';
/** zod and Hono take 14 KiB of it. */
const GZIPPED_BYTES_MAX = 37 * 1024;
const [ANNA, BEN] = [sessionId(1), sessionId(2)];

let miniflare: Miniflare;
let origin: URL;
let overHttp: Fetch;

// These options are those of Miniflare 4. They have the namespace, and no compatibility date.
beforeAll(async () => {
  const options = { modules: true, scriptPath: BUNDLE, kvNamespaces: ['PRESENCE_KV'] };
  miniflare = new Miniflare(convertV4MiniflareOptions(options));
  origin = await miniflare.ready;
  overHttp = (path, init) => observedFetch(new URL(path, origin), init);
});
afterAll(() => miniflare.dispose());

it('the bundle is at most 37 KiB, gzipped', () => {
  expect(gzipSync(readFileSync(BUNDLE)).byteLength).toBeLessThanOrEqual(GZIPPED_BYTES_MAX);
});

it('a bundle with a wrong setting does not start', async () => {
  const options = { modules: true, scriptPath: BUNDLE, bindings: { SESSION_TTL_SECONDS: 'soon' } };
  const wrong = new Miniflare(convertV4MiniflareOptions(options));
  await expect(wrong.ready).rejects.toThrow('SESSION_TTL_SECONDS takes a whole number from 2 to 600');
  // A Worker that failed to start fails to stop with the same error.
  await wrong.dispose().catch(() => undefined);
});

describe('no compatibility date', () => {
  /** Starts the Worker with these options, and returns the lines that it logged during `use`. */
  async function logOf(options: object, use: (fetch: Fetch) => Promise<void>): Promise<string> {
    let log = '';
    const plain = { modules: true, scriptPath: BUNDLE, kvNamespaces: ['PRESENCE_KV'], ...options };
    const handleStructuredLogs = ({ message }: { message: string }) => {
      log += message;
    };
    const other = new Miniflare(convertV4MiniflareOptions({ ...plain, handleStructuredLogs }));
    const url = await other.ready;
    await use((path, init) => observedFetch(new URL(path, url), init)).finally(() => other.dispose());
    return log;
  }

  it('the bundle without a compatibility date starts with a list of origins, and refuses other origins', async () => {
    await logOf({ bindings: { ALLOWED_ORIGINS: 'https://good.example' } }, async (fetch) => {
      const from = (Origin: string) => fetch('/api/presence', { headers: { Origin } });
      expect((await from('https://good.example')).status).toBe(200);
      expect((await from('https://other.example')).status).toBe(403);
    });
  });

  it('the bundle without a compatibility date is degraded with the room, and logs the reason', async () => {
    const room = {
      bindings: { PRESENCE_HUB: 'durable-object' },
      durableObjects: { PRESENCE_ROOM: { className: 'PresenceRoom', useSQLite: true } },
    };
    const log = await logOf(room, async (fetch) => {
      expect((await post(fetch, '/api/heartbeat', { sessionId: ANNA, mood: 'release' })).status).toBe(200);
      expect(await (await fetch('/health')).json()).toMatchObject({
        status: 'degraded',
        reason: 'sync-failed',
      });
    });
    expect(log).toContain('sync is not a function');
  });
});

describe('a plain Miniflare', () => {
  it('the bundle answers heartbeats, leaves, presence and health over HTTP', async () => {
    const heartbeat = (id: string, mood: string) => post(overHttp, '/api/heartbeat', { sessionId: id, mood });
    const moods = { gratitude: 0, presence: 0, release: 0, connection: 0 };
    const timestamp = expect.any(Number);
    expect(await (await overHttp('/api/presence')).json()).toEqual({ count: 0, moods, timestamp });
    const first = await heartbeat(ANNA, 'presence');
    expect(first.status).toBe(200);
    expect(await first.json()).toEqual({ count: 1, moods: { ...moods, presence: 1 }, timestamp });
    const both = { count: 2, moods: { ...moods, presence: 1, release: 1 }, timestamp };
    expect(await (await heartbeat(BEN, 'release')).json()).toEqual(both);
    expect(await (await overHttp('/api/presence')).json()).toEqual(both);
    // A beacon sends a string, so the type is text/plain.
    const leave = await overHttp('/api/leave', {
      method: 'POST',
      body: JSON.stringify({ sessionId: ANNA.toUpperCase() }),
    });
    expect(await leave.json()).toEqual({ success: true });
    expect(await (await overHttp('/api/presence')).json()).toMatchObject({ count: 1 });
    expect(await (await overHttp('/health')).json()).toMatchObject({
      status: 'degraded',
      reason: 'no-limiter',
      hub: 'kv',
    });
  });

  it('the bundle refuses an invalid body with a problem', async () => {
    const response = await post(overHttp, '/api/heartbeat', {});
    expect(response.status).toBe(400);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 400, type: '/docs#invalid-body' });
  });

  it('the bundle counts 1,000 sessions that start 50 at a time, and none after all have left', async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => sessionId(1_000 + n));
    const forAll = async (path: string, body: (id: string) => object) => {
      const waiting = [...ids];
      const worker = async () => {
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
          const response = await post(overHttp, path, body(id));
          expect(response.status).toBe(200);
          await response.body?.cancel();
        }
      };
      await Promise.all(Array.from({ length: 50 }, worker));
    };
    const count = async () => ((await (await overHttp('/api/presence')).json()) as { count: number }).count;
    const before = await count();
    await forAll('/api/heartbeat', (id) => ({ sessionId: id, mood: 'gratitude' }));
    expect(await count()).toBe(before + 1_000);
    await forAll('/api/leave', (id) => ({ sessionId: id }));
    expect(await count()).toBe(before);
  });

  it('the bundle refuses a chunked body that does not end, and answers the next request', async () => {
    const status = await new Promise((resolve, reject) => {
      const drip = request(new URL('/api/heartbeat', origin).href, { method: 'POST' }, (response) => {
        clearInterval(timer);
        resolve(response.statusCode);
        response.resume();
        drip.destroy();
      });
      // An error after the answer changes nothing, because the promise is settled.
      drip.on('error', reject);
      const timer = setInterval(() => drip.write('x'.repeat(200)), 5);
    });
    expect(status).toBe(413);
    expect((await overHttp('/api/presence')).status).toBe(200);
  });
});
