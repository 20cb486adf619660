import { describe, expect, it, vi } from 'vitest';
import { FakeRuntime } from '../support/fake-runtime';
import { type Fetch, post } from '../support/http';
import { createApp, fetchOf } from '../support/observed-app';
import { sessionId } from '../support/session-id';

const ANNA = sessionId(1);
const HEARTBEAT = { sessionId: ANNA, mood: 'presence' };

const milliseconds = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The smallest KV namespace that the service accepts. */
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

async function expectContract(fetch: Fetch): Promise<void> {
  expect(await (await post(fetch, '/api/heartbeat', HEARTBEAT)).json()).toMatchObject({ count: 1 });
  expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 1, moods: { presence: 1 } });
  expect(await (await post(fetch, '/api/leave', { sessionId: ANNA })).json()).toEqual({ success: true });
  expect(await (await fetch('/api/presence')).json()).toMatchObject({ count: 0 });
  expect((await fetch('/health')).status).toBe(200);
}

const healthOf = async (fetch: Fetch) => (await fetch('/health')).json();

describe('no execution context', () => {
  it('an app works with a minimal KV namespace, and stores the documented map in it', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const kv = new MinimalKv();
    const fetch = fetchOf({ PRESENCE_KV: kv, NEW_SESSION_LIMIT: 'off' });
    await post(fetch, '/api/heartbeat', HEARTBEAT);
    expect([...kv.values]).toEqual([
      ['presence:sessions', expect.stringContaining(`{"${ANNA}":{"mood":"presence","lastSeen":`)],
    ]);
    await expectContract(fetch);
    expect(log).not.toHaveBeenCalled();
  });

  it('an app has one replica if each request has another env of the same bindings', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    for (const bindings of [{ PRESENCE_KV: new MinimalKv() }, {}]) {
      const app = createApp();
      const fetch: Fetch = (path, init) => app.request(path, init, { ...bindings, incoming: {} });
      await expectContract(fetch);
      for (const count of [1, 2, 3]) {
        const answer = await post(fetch, '/api/heartbeat', { sessionId: sessionId(count), mood: 'presence' });
        expect(await answer.json()).toMatchObject({ count });
      }
    }
  });

  it('an app has one replica for each of ten sets of bindings that take turns, each time in another env', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const app = createApp();
    for (const count of [1, 2])
      for (let sessionsMax = 1; sessionsMax <= 10; sessionsMax += 1) {
        const env = { SESSIONS_MAX: 100 + sessionsMax };
        const fetch: Fetch = (path, init) => app.request(path, init, env);
        const answer = await post(fetch, '/api/heartbeat', { sessionId: sessionId(count), mood: 'presence' });
        expect(await answer.json()).toMatchObject({ count });
      }
  });

  it('an app is degraded, which is logged, if each request has other bindings', async () => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const app = createApp();
    const fetch: Fetch = (path, init) =>
      app.request(path, init, { PRESENCE_KV: new MinimalKv(), NEW_SESSION_LIMIT: 'off' });
    for (let n = 0; n < 10; n += 1)
      expect(await healthOf(fetch)).toMatchObject({ status: 'ok', reason: null });
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'many-replicas' });
    expect(log.mock.calls).toEqual([[expect.stringContaining('each request has a replica of its own')]]);
  });

  it.each([
    ['no env', undefined, 'none'],
    ['an empty env', {}, 'none'],
    ['a null for a namespace', { PRESENCE_KV: null }, 'none'],
    ['a namespace that can do nothing', { PRESENCE_KV: {} }, 'kv'],
    ['a namespace that is a text', { PRESENCE_KV: 'presence' }, 'kv'],
  ])('an app counts in memory with %s, and reports it', async (_name, env, hub) => {
    const log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const fetch = fetchOf(env);
    await expectContract(fetch);
    // One line names the hub, the other the limiter, which is not bound either.
    expect(log).toHaveBeenCalledTimes(2);
    expect(JSON.parse(String(log.mock.lastCall?.[0]))).toMatchObject({ level: 'warn', event: 'trouble' });
    const health = await (await fetch('/health')).json();
    expect(health).toMatchObject({ hub, lastSyncAgeMs: null });
  });

  it('a wrong setting gets 500, and the log names the setting', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await fetchOf({ SESSION_TTL_SECONDS: 'soon' })('/api/presence');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('SESSION_TTL');
    expect(String(log.mock.lastCall?.[0])).toContain(
      'SESSION_TTL_SECONDS takes a whole number from 2 to 600',
    );
  });
});

describe('an empty execution context', () => {
  it('an app works with an execution context without methods', async () => {
    const app = createApp();
    const env = { PRESENCE_KV: new MinimalKv() };
    // biome-ignore lint/suspicious/noExplicitAny: a caller without types may pass this
    await expectContract((path, init) => app.request(path, init, env, {} as any));
  });
});

describe('an execution context', () => {
  it('an app passes its sync to `waitUntil` of the execution context', async () => {
    const tasks: Promise<unknown>[] = [];
    const context = {
      waitUntil: (task: Promise<unknown>) => void tasks.push(task),
      passThroughOnException: () => undefined,
      props: {},
    };
    const env = { PRESENCE_KV: new MinimalKv() };
    const app = createApp();
    // The context of the platform has more members. An app uses these.
    await app.request('/api/presence', {}, env, context as unknown as ExecutionContext);
    expect(tasks).toHaveLength(1);
    await Promise.all(tasks);
  });
});

describe('no hub', () => {
  it('a replica without a hub applies the limit of new sessions', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const env = { NEW_SESSIONS: { limit: async () => ({ success: false }) } };
    const fetch = fetchOf(env, new FakeRuntime());
    await fetch('/api/presence');
    const response = await post(fetch, '/api/heartbeat', HEARTBEAT, { 'CF-Connecting-IP': '192.0.2.7' });
    expect(response.status).toBe(429);
  });
});

describe('bindings', () => {
  it('an app has one replica for each set of bindings', async () => {
    const app = createApp(new FakeRuntime());
    const [one, two] = [{ PRESENCE_KV: new MinimalKv() }, { PRESENCE_KV: new MinimalKv() }];
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await post((path, init) => app.request(path, init, one), '/api/heartbeat', HEARTBEAT);
    expect(await (await app.request('/api/presence', {}, one)).json()).toMatchObject({ count: 1 });
    expect(await (await app.request('/api/presence', {}, two)).json()).toMatchObject({ count: 0 });
  });
});
