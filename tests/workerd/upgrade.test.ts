import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyStorage } from '../support/empty-storage';
import { FakeRuntime, START } from '../support/fake-runtime';
import { type Fetch, post } from '../support/http';
import { createApp } from '../support/observed-app';
import { sessionId } from '../support/session-id';

const SHARED_KEY = 'presence:sessions';
const [ANNA, BEN, CARL] = [sessionId(1), sessionId(2), sessionId(3)];

/** What earlier deployments, and the usual design, left in the namespace. */
const OLD_VALUES: readonly (readonly [string, unknown])[] = [
  ['with times in seconds', { [ANNA]: { mood: 'presence', lastSeen: START / 1000 } }],
  ['with times as text', { [ANNA]: { mood: 'presence', lastSeen: new Date(START).toISOString() } }],
  ['with a time alone', { [ANNA]: START }],
  ['with moods that are gone', { [ANNA]: { mood: 'joy', lastSeen: START } }],
  ['without moods', { [ANNA]: { lastSeen: START } }],
  ['with ids that are none', { anna: { mood: 'presence', lastSeen: START } }],
  ['that is a list', [{ sessionId: ANNA, mood: 'presence', lastSeen: START }]],
  ['a level deeper', { version: 1, sessions: { [ANNA]: { mood: 'presence', lastSeen: START } } }],
  ['of people who went long ago', { [ANNA]: { mood: 'presence', lastSeen: START - 86_400_000 } }],
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
  ['where none is known', undefined],
])('a namespace with one shared key, %s', (_where, colo) => {
  it.each(OLD_VALUES)('%s counts nobody wrongly and fails nothing', async (_what, value) => {
    await env.PRESENCE_KV.put(SHARED_KEY, JSON.stringify(value), { metadata: { count: 7 } });
    const fetch = deploy(colo);
    expect(await countOf(fetch)).toMatchObject({ count: 0 });
    expect(await (await beat(fetch, BEN)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
    expect(await (await fetch('/health')).json()).toMatchObject({ status: 'ok', hub: 'kv' });
    // What is stored is right again when the isolate has written, which takes up to 120 s where so few are alone in the world.
    for (let seconds = 0; seconds < 150; seconds += 10) {
      await runtime.advance(10_000);
      await beat(fetch, BEN);
      expect(await (await beat(fetch, CARL)).json()).toMatchObject({ count: 2 });
    }
    expect(await countOf(deploy(colo))).toMatchObject({ count: 2 });
  });
});

it('people in the documented map of a shared key are counted on where no location is known', async () => {
  const value = {
    [ANNA.toUpperCase()]: { mood: 'gratitude', lastSeen: START - 5_000, name: 'of no use' },
    [BEN]: { mood: 'presence', lastSeen: START - 31_000 - 40_000 },
  };
  await env.PRESENCE_KV.put(SHARED_KEY, JSON.stringify(value));
  const fetch = deploy();
  expect(await countOf(fetch)).toMatchObject({ count: 1, moods: { gratitude: 1 } });
  expect(await (await beat(fetch, ANNA)).json()).toMatchObject({ count: 1, moods: { release: 1 } });
});

it('a shared key is left as it was where locations are known, and is no location', async () => {
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
  'a location of an earlier version, with %s, counts as soon as it speaks again',
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
