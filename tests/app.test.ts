import { describe, expect, it, vi } from 'vitest';
import { FakeWorld } from './fake-world';
import { type Fetch, post } from './http';
import { createApp, fetchOf } from './openapi/observed-app';
import { sessionId } from './session-id';

const ANNA = sessionId(1);
const BEAT = { sessionId: ANNA, mood: 'presence' };

const milliseconds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** As little of a KV namespace as somebody may write for a test of their own. */
class MinimalKv {
  readonly values = new Map<string, string>();

  async get(key: string) {
    await milliseconds(2);
    return this.values.get(key);
  }

  async put(key: string, value: string) {
    await milliseconds(5);
    this.values.set(key, value);
  }
}

async function answersTheContract(fetch: Fetch): Promise<void> {
  expect(await (await post(fetch, '/api/heartbeat', BEAT)).json()).toMatchObject({ count: 1 });
  expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 1, moods: { presence: 1 } });
  expect(await (await post(fetch, '/api/leave', { sessionId: ANNA })).json()).toEqual({ success: true });
  expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
  expect((await fetch('/health')).status).toBe(200);
}

describe('app.request without an execution context', () => {
  it('works with a minimal KV namespace, and stores the documented map in it', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const kv = new MinimalKv();
    const fetch = fetchOf({ PRESENCE_KV: kv });
    await post(fetch, '/api/heartbeat', BEAT);
    expect([...kv.values]).toEqual([
      ['presence:sessions', expect.stringContaining(`{"${ANNA}":{"mood":"presence","lastSeen":`)],
    ]);
    await answersTheContract(fetch);
    expect(log).not.toHaveBeenCalled();
  });

  it('works with a fresh env object for every request, where each is a fresh replica', async () => {
    const kv = new MinimalKv();
    const app = createApp();
    await answersTheContract((path, init) => app.request(path, init, { PRESENCE_KV: kv }));
  });

  it.each([
    ['no env', undefined, 'none'],
    ['an empty env', {}, 'none'],
    ['a null for a namespace', { PRESENCE_KV: null }, 'none'],
    ['a namespace that can do nothing', { PRESENCE_KV: {} }, 'kv'],
    ['a namespace that is a text', { PRESENCE_KV: 'presence' }, 'kv'],
  ])('counts from memory with %s, and says so', async (_name, env, hub) => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const fetch = fetchOf(env);
    await answersTheContract(fetch);
    expect(log).toHaveBeenCalledOnce();
    expect(JSON.parse(String(log.mock.lastCall?.[0]))).toMatchObject({ level: 'warn', event: 'trouble' });
    const health = await (await fetch('/health')).json();
    expect(health).toMatchObject({ hub, lastSyncAgeMs: null });
  });

  it('answers 500 to a wrong setting, and logs which one', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await fetchOf({ SESSION_TTL_SECONDS: 'soon' })('/api/presence');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('SESSION_TTL');
    expect(String(log.mock.lastCall?.[0])).toContain(
      'SESSION_TTL_SECONDS takes a whole number from 2 to 600',
    );
  });
});

describe('an execution context that can do nothing', () => {
  it('is as good as none', async () => {
    const app = createApp();
    const env = { PRESENCE_KV: new MinimalKv() };
    // biome-ignore lint/suspicious/noExplicitAny: what a careless caller may hand over
    await answersTheContract((path, init) => app.request(path, init, env, {} as any));
  });
});

describe('an execution context', () => {
  it('is asked to keep a sync alive after the response', async () => {
    const tasks: Promise<unknown>[] = [];
    const context = {
      waitUntil: (task: Promise<unknown>) => void tasks.push(task),
      passThroughOnException: () => undefined,
      props: {},
    };
    const env = { PRESENCE_KV: new MinimalKv() };
    const app = createApp();
    // The platform's context has more to it; an app asks for this much.
    await app.request('/api/presence', {}, env, context as unknown as ExecutionContext);
    expect(tasks).toHaveLength(1);
    await Promise.all(tasks);
  });
});

describe('without a hub', () => {
  it('nobody is known from elsewhere, so the limit of new sessions holds', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const env = { NEW_SESSIONS: { limit: async () => ({ success: false }) } };
    const fetch = fetchOf(env, new FakeWorld());
    await fetch('/api/presence');
    const response = await post(fetch, '/api/heartbeat', BEAT, { 'CF-Connecting-IP': '192.0.2.7' });
    expect(response.status).toBe(429);
  });
});

describe('one env', () => {
  it('has one replica, and two have two', async () => {
    const app = createApp(new FakeWorld());
    const [one, two] = [{}, {}];
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await post((path, init) => app.request(path, init, one), '/api/heartbeat', BEAT);
    expect(await (await app.request('/api/presence', {}, one)).json()).toMatchObject({ count: 1 });
    expect(await (await app.request('/api/presence', {}, two)).json()).toMatchObject({ count: 0 });
  });
});
