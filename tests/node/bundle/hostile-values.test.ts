import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KV_SESSIONS_MAX } from '../../../src/limits';
import { parseSessions } from '../../../src/presence/stored-sessions';
import { sessionId } from '../../support/session-id';

/** The longest value that KV takes, in bytes. */
const VALUE_BYTES_MAX = 25 * 2 ** 20;

/** The heap of each isolate, less than the platform's 128 MB. Miniflare's own isolate has the same heap. */
const HEAP_MB = 96;

const filled = (bytes: number, head: string, part: string, tail = '') =>
  head + part.repeat(Math.floor((bytes - head.length - tail.length) / part.length)) + tail;

const entry = (id: string, lastSeen: number) =>
  `"${id}":{"mood":"connection","lastSeen":${lastSeen},"rests":true}`;

const sessions = (bytes: number) => {
  const now = Date.now();
  const count = Math.floor((bytes - 1) / (entry(sessionId(0), now).length + 1));
  return `{${Array.from({ length: count }, (_, n) => entry(sessionId(n), now)).join(',')}}`;
};

/** Returns one string without parts, as KV does. */
const flat = (text: string) => Buffer.from(text, 'latin1').toString('latin1');

const VALUES: readonly (readonly [string, (bytes: number) => string, number])[] = [
  ['sessions', sessions, KV_SESSIONS_MAX],
  [
    'one session many times',
    (bytes) => filled(bytes, '{', `${entry(sessionId(1), Date.now())},`, '"x":0}'),
    1,
  ],
  ['spaces', (bytes) => ' '.repeat(bytes), 0],
  ['opening braces', (bytes) => '{'.repeat(bytes), 0],
  ['nested objects', (bytes) => filled(bytes, '', '{"x":'), 0],
  ['nested lists', (bytes) => filled(bytes, '{"x":', '['), 0],
  ['one text', (bytes) => filled(bytes, '"', 'x', '"'), 0],
  ['one key', (bytes) => filled(bytes, '{"', 'x', '":{}}'), 0],
  ['backslashes', (bytes) => filled(bytes, '{"', '\\', '":{}}'), 0],
  ['a list of empty objects', (bytes) => filled(bytes, '[', '{},', '{}]'), 0],
  ['an entry that is a list of zeros', (bytes) => filled(bytes, '{"x":[', '0,', '0]}'), 0],
  ['entries that are no sessions', (bytes) => filled(bytes, '{', '"":0,', '"":0}'), 0],
  ['commas', (bytes) => filled(bytes, '{', ','), 0],
];

/** A wide and a deep value. Each ends an isolate that parses the whole value. */
const DEADLY = VALUES.filter(([what]) => ['sessions', 'nested objects'].includes(what));

const KEY = 'presence:sessions';
/** The keys in which new locations find each other. A replica reads the four of a group at once. */
const OPENED_KEYS = [0, 1, 2, 3].map((index) => `presence:opened:0:${index}`);

describe.each([
  ['the key of a location', [KEY], DEADLY],
  // One value is enough, because a replica parses no such value above 8,192 characters.
  ['four keys of new locations', OPENED_KEYS, DEADLY.slice(-1)],
] as const)('25 MiB under %s', (where, keys, values) => {
  it.each(values)(
    `a Worker with 96 MB of heap answers while ${where} holds 25 MiB: %s`,
    async (_what, make, sessionsOfValue) => {
      const value = make(VALUE_BYTES_MAX);
      const count = keys.includes(KEY) ? sessionsOfValue : 1;
      vi.stubEnv('MINIFLARE_WORKERD_V8_FLAGS', `--max-old-space-size=${HEAP_MB}`);
      const miniflare = new Miniflare(
        convertV4MiniflareOptions({
          name: 'presence',
          modules: true,
          scriptPath: 'dist/index.js',
          kvNamespaces: ['PRESENCE_KV'],
          // Without Miniflare's proxy a request has no location, so the key is the one below.
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          handleStructuredLogs: () => undefined,
        }),
      );
      onTestFinished(() => miniflare.dispose());
      const url = await miniflare.unsafeGetDirectURL('presence');
      vi.unstubAllEnvs();
      const kv = await miniflare.getKVNamespace('PRESENCE_KV');
      for (const key of keys) await kv.put(key, value);
      if (!keys.includes(KEY)) await kv.put(KEY, `{${entry(sessionId(1), Date.now())}}`);
      const countOf = async () =>
        ((await (await fetch(new URL('/api/presence', url))).json()) as { count: number }).count;
      // The first request starts the sync that reads the value.
      await countOf();
      await expect.poll(countOf, { timeout: 30_000 }).toBe(count);
      // The sync ends after all its reads.
      const syncAge = async () =>
        ((await (await fetch(new URL('/health', url))).json()) as { lastSyncAgeMs: number | null })
          .lastSyncAgeMs;
      await expect.poll(syncAge, { timeout: 30_000 }).not.toBeNull();
      expect(await countOf()).toBe(count);
    },
    60_000,
  );
});

describe('the time to read a stored value', () => {
  const LARGE_BYTES = 8 * 2 ** 20;
  const GROWTH = 8;
  /** More than 8, because other work on the machine takes time. A quadratic time has 64. */
  const RATIO_MAX = 24;
  /** A shorter time is too short to show growth. */
  const SHORTEST_MS = 2;

  it.each(VALUES)('the time to read a value grows no faster than its length: %s', (_what, make) => {
    const [small, large] = [LARGE_BYTES / GROWTH, LARGE_BYTES].map((bytes) => flat(make(bytes)));
    /** CPU time, so that other processes do not count. The first attempt warms the code up. */
    const shortestMs = (value: string | undefined) => {
      const times = [1, 2].map(() => {
        const before = process.cpuUsage();
        parseSessions(value, Date.now(), KV_SESSIONS_MAX);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1_000;
      });
      return Math.min(...times);
    };
    expect(shortestMs(large)).toBeLessThan(RATIO_MAX * Math.max(shortestMs(small), SHORTEST_MS));
  });
});
