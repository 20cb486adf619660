import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { Health } from '../../../src/api/answer-schemas';
import { emptyStorage } from '../../support/empty-storage';
import { FakeRuntime } from '../../support/fake-runtime';
import { type Fetch, post } from '../../support/http';
import { createApp, fetchOf } from '../../support/observed-app';
import { sessionId } from '../../support/session-id';
import { strict } from '../../support/strict';

const ANNA = sessionId(1);
const NETWORK = { 'CF-Connecting-IP': '192.0.2.7' };

let runtime: FakeRuntime;
let log: MockInstance;
beforeEach(async () => {
  await emptyStorage();
  runtime = new FakeRuntime();
  log = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  log.mockRestore();
});

const isolate = (bindings: object) => fetchOf(bindings, runtime);
const heartbeat = (fetch: Fetch, id = ANNA) =>
  post(fetch, '/api/heartbeat', { sessionId: id, mood: 'presence' }, NETWORK);
const healthOf = async (fetch: Fetch) => strict(Health).parse(await (await fetch('/health')).json());
const lines = () => log.mock.calls.map(([line]) => JSON.parse(String(line)).trouble);
const fails = () => Promise.reject(new Error('unavailable'));

describe('health', () => {
  it('the health is ok without a reason while the hub and the limiter work', async () => {
    const fetch = isolate(env);
    await heartbeat(fetch);
    expect(await healthOf(fetch)).toMatchObject({ status: 'ok', reason: null });
    expect(lines()).toEqual([]);
  });

  it('the health is degraded without the hub, which is logged once a minute', async () => {
    const fetch = isolate({ NEW_SESSIONS: env.NEW_SESSIONS });
    for (let tenSeconds = 0; tenSeconds < 13; tenSeconds += 1) {
      await heartbeat(fetch);
      await runtime.advance(10_000);
    }
    expect(await healthOf(fetch)).toEqual({
      status: 'degraded',
      reason: 'no-hub',
      hub: 'none',
      lastSyncAgeMs: null,
    });
    expect(lines()).toHaveLength(3);
    expect(new Set(lines())).toEqual(new Set([expect.stringContaining('PRESENCE_KV is not bound')]));
  });

  it('the health is degraded without the limiter, which is logged once a minute', async () => {
    const fetch = isolate({ PRESENCE_KV: env.PRESENCE_KV });
    for (let n = 0; n < 13; n += 1) {
      await heartbeat(fetch, sessionId(n));
      await vi.waitFor(async () =>
        expect(await healthOf(fetch)).toMatchObject({ reason: 'no-limiter', lastSyncAgeMs: 0 }),
      );
      await runtime.advance(10_000);
    }
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'no-limiter', hub: 'kv' });
    expect(lines()).toHaveLength(3);
  });

  it('the health is degraded while an isolate is full, which is logged', async () => {
    const fetch = isolate({ ...env, SESSIONS_MAX: '1' });
    await heartbeat(fetch);
    expect((await heartbeat(fetch, sessionId(2))).status).toBe(503);
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'too-many-sessions' });
    expect(lines()).toEqual(['the isolate is full: new sessions are refused']);
  });

  it('the health is degraded while a sync does not end, also without another request', async () => {
    const fetch = isolate({ ...env, PRESENCE_KV: { get: () => new Promise(() => undefined) } });
    const answer = fetch('/api/presence');
    await runtime.advance(1_000);
    await answer;
    expect(await healthOf(fetch)).toMatchObject({ status: 'ok' });
    await runtime.advance(20_000);
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
  });

  it('the health names the hub if both the hub and the limiter are missing', async () => {
    expect(await healthOf(isolate({}))).toMatchObject({ reason: 'no-hub' });
  });

  it('the health is ok without the limiter if NEW_SESSION_LIMIT is off', async () => {
    const fetch = isolate({ PRESENCE_KV: env.PRESENCE_KV, NEW_SESSION_LIMIT: 'off' });
    expect(await healthOf(fetch)).toMatchObject({ status: 'ok', reason: null });
  });

  it('the health is degraded while the limiter fails, and ok afterwards', async () => {
    let limit: () => Promise<RateLimitOutcome> = fails;
    const fetch = isolate({ ...env, NEW_SESSIONS: { limit: () => limit() } });
    await heartbeat(fetch);
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'limiter-failed' });
    limit = () => Promise.resolve({ success: true });
    await heartbeat(fetch, sessionId(2));
    expect(await healthOf(fetch)).toMatchObject({ status: 'ok', reason: null });
  });

  it('the health is degraded while every listing fails, although the own location syncs', async () => {
    let list: () => Promise<unknown> = fails;
    const kv = {
      getWithMetadata: env.PRESENCE_KV.getWithMetadata.bind(env.PRESENCE_KV),
      put: env.PRESENCE_KV.put.bind(env.PRESENCE_KV),
      get: env.PRESENCE_KV.get.bind(env.PRESENCE_KV),
      list: () => list(),
    };
    const fetch = isolate({ ...env, PRESENCE_KV: kv });
    await heartbeat(fetch);
    await vi.waitFor(async () =>
      expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'list-failed' }),
    );
    expect(lines()).toEqual(['the other locations could not be listed']);
    list = () => env.PRESENCE_KV.list();
    await runtime.advance(10_000);
    await heartbeat(fetch);
    await vi.waitFor(async () => expect(await healthOf(fetch)).toMatchObject({ status: 'ok' }));
  });

  it('the health is degraded while the sync fails', async () => {
    const fetch = isolate({ ...env, PRESENCE_KV: { get: fails, put: fails } });
    await heartbeat(fetch);
    expect(await healthOf(fetch)).toMatchObject({ status: 'degraded', reason: 'sync-failed' });
  });

  it('the health names a lowered setting, which is logged once', async () => {
    const variables = { PRESENCE_HUB: 'durable-object', SYNC_INTERVAL_SECONDS: '10' };
    const fetch = isolate({ ...env, ...variables });
    await heartbeat(fetch);
    expect(await healthOf(fetch)).toMatchObject({
      status: 'ok',
      reason: 'setting-lowered',
      hub: 'durable-object',
    });
    expect(lines()).toEqual([expect.stringContaining('SYNC_INTERVAL_SECONDS to 7.25')]);
  });
});

it('an isolate takes its location from the first request that has one', async () => {
  const app = createApp(runtime);
  const bindings = { ...env };
  const from =
    (colo: string | undefined): Fetch =>
    (path, init) => {
      const request = new Request(`http://localhost${path}`, init);
      Object.defineProperty(request, 'cf', { value: colo && { colo } });
      return app.fetch(request, bindings);
    };
  await heartbeat(from(undefined));
  await runtime.advance(10_000);
  await heartbeat(from('AMS'), sessionId(2));
  await runtime.advance(10_000);
  const answer = await heartbeat(from('FRA'), sessionId(3));
  expect(await answer.json()).toMatchObject({ count: 3 });
  await runtime.advance(10_000);
  await heartbeat(from('FRA'), sessionId(3));
  await vi.waitFor(async () => expect(await healthOf(from('FRA'))).toMatchObject({ lastSyncAgeMs: 0 }));
  const { keys } = await env.PRESENCE_KV.list({ prefix: 'presence:sessions:' });
  expect(keys.map(({ name }) => name)).toEqual(['presence:sessions:ams']);
  const value = await env.PRESENCE_KV.get('presence:sessions:ams', 'json');
  expect(Object.keys(value as object)).toEqual(expect.arrayContaining([ANNA, sessionId(2)]));
});
