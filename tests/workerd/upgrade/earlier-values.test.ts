import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime, START } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { createApp } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';

const SHARED_KEY = 'presence:sessions';
const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

/** Values of earlier designs, and damaged values. */
const UNCOUNTED_VALUES: readonly (readonly [string, unknown])[] = [
  ['times in seconds', { [ANNA]: { mood: 'presence', lastSeen: START / 1000 } }],
  ['times as text', { [ANNA]: { mood: 'presence', lastSeen: new Date(START).toISOString() } }],
  ['a time in place of a record', { [ANNA]: START }],
  ['an unknown mood', { [ANNA]: { mood: 'joy', lastSeen: START } }],
  ['a record without a mood', { [ANNA]: { lastSeen: START } }],
  ['an id that is not a UUID', { anna: { mood: 'presence', lastSeen: START } }],
  ['a list of sessions', [{ sessionId: ANNA, mood: 'presence', lastSeen: START }]],
  ['sessions one level deeper', { version: 1, sessions: { [ANNA]: { mood: 'presence', lastSeen: START } } }],
  ['a session that expired a day ago', { [ANNA]: { mood: 'presence', lastSeen: START - 86_400_000 } }],
  ['only a number', 42],
];

let runtime: FakeRuntime;
beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

/** Starts an isolate, in a location or without a known location. */
function startIsolate(colo?: string): Fetch {
  const app = createApp(runtime);
  const bindings = { PRESENCE_KV: env.PRESENCE_KV, NEW_SESSION_LIMIT: 'off' };
  return (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    if (colo !== undefined) Object.defineProperty(request, 'cf', { value: { colo } });
    return app.fetch(request, bindings);
  };
}

const readState = async (fetch: Fetch) => (await (await fetch('/api/presence')).json()) as { count: number };
const heartbeat = (fetch: Fetch, id: string) =>
  post(fetch, '/api/heartbeat', { sessionId: id, mood: 'release' });

describe.each([
  ['the key of a location', 'AMS', `${SHARED_KEY}:ams`],
  ['the shared key', undefined, SHARED_KEY],
])('%s', (which, colo, key) => {
  it.each(UNCOUNTED_VALUES)(
    `an isolate that reads ${which} counts no session of a value with %s, and fails no request`,
    async (_what, value) => {
      await env.PRESENCE_KV.put(key, JSON.stringify(value), { metadata: { count: 7 } });
      const fetch = startIsolate(colo);
      expect(await readState(fetch)).toMatchObject({ count: 0 });
      expect(await (await heartbeat(fetch, BEN)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
      expect(await (await fetch('/health')).json()).toMatchObject({ status: 'ok', hub: 'kv' });
      // An isolate without other isolates writes the second session after at most 110 s.
      for (let seconds = 0; seconds < 150; seconds += 10) {
        await runtime.advance(10_000);
        await heartbeat(fetch, BEN);
        expect(await (await heartbeat(fetch, CARL)).json()).toMatchObject({ count: 2 });
      }
      expect(await readState(startIsolate(colo))).toMatchObject({ count: 2 });
    },
  );
});

it('an isolate without a location counts the sessions of the documented map under the shared key', async () => {
  const value = {
    [ANNA.toUpperCase()]: { mood: 'gratitude', lastSeen: START - 5_000, name: 'unknown' },
    [BEN]: { mood: 'presence', lastSeen: START - 31_000 - 40_000 },
  };
  await env.PRESENCE_KV.put(SHARED_KEY, JSON.stringify(value));
  const fetch = startIsolate();
  expect(await readState(fetch)).toMatchObject({ count: 1, moods: { gratitude: 1 } });
  expect(await (await heartbeat(fetch, ANNA)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
});

it('an isolate with a location neither changes the shared key nor counts it as a location', async () => {
  const value = JSON.stringify({ [ANNA]: { mood: 'gratitude', lastSeen: START } });
  const metadata = {
    at: START,
    until: START + 600_000,
    moods: { gratitude: 1, presence: 0, release: 0, connection: 0 },
  };
  await env.PRESENCE_KV.put(SHARED_KEY, value, { metadata });
  const fetch = startIsolate('AMS');
  await heartbeat(fetch, BEN);
  await runtime.advance(60_000);
  expect(await (await heartbeat(fetch, BEN)).json()).toMatchObject({ count: 1 });
  expect(await env.PRESENCE_KV.get(SHARED_KEY)).toBe(value);
});

it.each([
  ['no summary', undefined],
  ['a summary without an end', { at: START, moods: { gratitude: 5 } }],
])(
  'a location that an earlier version stored with %s counts elsewhere after its next write',
  async (_what, metadata) => {
    const value = JSON.stringify({ [ANNA]: { mood: 'gratitude', lastSeen: START } });
    await env.PRESENCE_KV.put(`${SHARED_KEY}:fra`, value, metadata && { metadata });
    const here = startIsolate('AMS');
    expect(await (await heartbeat(here, BEN)).json()).toMatchObject({ count: 1 });
    expect(await readState(startIsolate('FRA'))).toMatchObject({ count: 2 });
    await heartbeat(startIsolate('FRA'), CARL);
    await runtime.advance(100_000);
    expect(await (await heartbeat(here, BEN)).json()).toMatchObject({ count: 3 });
  },
);
