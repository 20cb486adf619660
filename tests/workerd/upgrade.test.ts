import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyStorage } from '../support/empty-storage';
import { FakeRuntime, START } from '../support/fake-runtime';
import { type Fetch, post } from '../support/http';
import { createApp } from '../support/observed-app';
import { sessionId } from '../support/session-id';

const SHARED_KEY = 'presence:sessions';
const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

/** Values of earlier designs, and damaged ones. */
const OLD_VALUES: readonly (readonly [string, unknown])[] = [
  ['with times in seconds', { [ANNA]: { mood: 'presence', lastSeen: START / 1000 } }],
  ['with times as text', { [ANNA]: { mood: 'presence', lastSeen: new Date(START).toISOString() } }],
  ['with a time alone', { [ANNA]: START }],
  ['with unknown moods', { [ANNA]: { mood: 'joy', lastSeen: START } }],
  ['without moods', { [ANNA]: { lastSeen: START } }],
  ['with ids that are no UUIDs', { anna: { mood: 'presence', lastSeen: START } }],
  ['that is a list', [{ sessionId: ANNA, mood: 'presence', lastSeen: START }]],
  ['a level deeper', { version: 1, sessions: { [ANNA]: { mood: 'presence', lastSeen: START } } }],
  ['of sessions that expired a day ago', { [ANNA]: { mood: 'presence', lastSeen: START - 86_400_000 } }],
  ['that is a number', 42],
];

let runtime: FakeRuntime;
beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

/** A fresh isolate, in a location or where none is known. */
function deploy(colo?: string): Fetch {
  const app = createApp(runtime);
  const bindings = { PRESENCE_KV: env.PRESENCE_KV, NEW_SESSION_LIMIT: 'off' };
  return (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    if (colo !== undefined) Object.defineProperty(request, 'cf', { value: { colo } });
    return app.fetch(request, bindings);
  };
}

const countOf = async (fetch: Fetch) => (await (await fetch('/api/presence')).json()) as { count: number };
const beat = (fetch: Fetch, id: string) => post(fetch, '/api/heartbeat', { sessionId: id, mood: 'release' });

describe.each([
  ['in a location', 'AMS'],
  ['without a location', undefined],
])('a namespace with one shared key, read %s', (_where, colo) => {
  it.each(OLD_VALUES)('a shared value adds no session and fails no request: %s', async (_what, value) => {
    await env.PRESENCE_KV.put(SHARED_KEY, JSON.stringify(value), { metadata: { count: 7 } });
    const fetch = deploy(colo);
    expect(await countOf(fetch)).toMatchObject({ count: 0 });
    expect(await (await beat(fetch, BEN)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
    expect(await (await fetch('/health')).json()).toMatchObject({ status: 'ok', hub: 'kv' });
    // An isolate that is alone in the world writes the second session after at most 110 s.
    for (let seconds = 0; seconds < 150; seconds += 10) {
      await runtime.advance(10_000);
      await beat(fetch, BEN);
      expect(await (await beat(fetch, CARL)).json()).toMatchObject({ count: 2 });
    }
    expect(await countOf(deploy(colo))).toMatchObject({ count: 2 });
  });
});

it('an isolate without a location counts the sessions of the documented map under the shared key', async () => {
  const value = {
    [ANNA.toUpperCase()]: { mood: 'gratitude', lastSeen: START - 5_000, name: 'unknown' },
    [BEN]: { mood: 'presence', lastSeen: START - 31_000 - 40_000 },
  };
  await env.PRESENCE_KV.put(SHARED_KEY, JSON.stringify(value));
  const fetch = deploy();
  expect(await countOf(fetch)).toMatchObject({ count: 1, moods: { gratitude: 1 } });
  expect(await (await beat(fetch, ANNA)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
});

it('an isolate with a location leaves the shared key as it is, and does not take it for a location', async () => {
  const value = JSON.stringify({ [ANNA]: { mood: 'gratitude', lastSeen: START } });
  const metadata = {
    at: START,
    until: START + 600_000,
    moods: { gratitude: 1, presence: 0, release: 0, connection: 0 },
  };
  await env.PRESENCE_KV.put(SHARED_KEY, value, { metadata });
  const fetch = deploy('AMS');
  await beat(fetch, BEN);
  await runtime.advance(60_000);
  expect(await (await beat(fetch, BEN)).json()).toMatchObject({ count: 1 });
  expect(await env.PRESENCE_KV.get(SHARED_KEY)).toBe(value);
});

it.each([
  ['no summary', undefined],
  ['a summary that does not say until when it counts', { at: START, moods: { gratitude: 5 } }],
])(
  'a location of an earlier version, with %s, counts elsewhere after its next write',
  async (_what, metadata) => {
    const value = JSON.stringify({ [ANNA]: { mood: 'gratitude', lastSeen: START } });
    await env.PRESENCE_KV.put(`${SHARED_KEY}:fra`, value, metadata && { metadata });
    const here = deploy('AMS');
    expect(await (await beat(here, BEN)).json()).toMatchObject({ count: 1 });
    expect(await countOf(deploy('FRA'))).toMatchObject({ count: 2 });
    await beat(deploy('FRA'), CARL);
    await runtime.advance(100_000);
    expect(await (await beat(here, BEN)).json()).toMatchObject({ count: 3 });
  },
);
