// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { PresenceHistory } from '../../src/client/presence';
import { advance, api, createClient, startClient, stopClient } from './page';
import { problem, state } from './service';

const STEP_MS = 300_000;
const STEPS = 288;

const HISTORY: PresenceHistory = {
  timestamp: 1_800_000_123_456,
  stepMs: STEP_MS,
  counts: Array.from({ length: STEPS }, (_, step) => step % 18),
  peak: { count: 17, at: 1_800_000_000_000 - 4 * STEP_MS },
  visits: 212,
};

/** The requests for the history. */
const historyRequests = () => api.sent.filter(({ path }) => path === '/api/history');

/** Starts a client. The service answers heartbeats, and requests for the history with `answer`. */
async function startClientWith(answer: () => Response | Promise<Response>) {
  api.answer = () => (api.sent.at(-1)?.path === '/api/history' ? answer() : Response.json(state()));
  return startClient({ live: false });
}

async function historyWith(answer: () => Response | Promise<Response>) {
  const presence = await startClientWith(answer);
  const history = presence.history();
  await advance(1);
  return history;
}

describe('history', () => {
  it('history reads the history of the service with a GET that needs no preflight', async () => {
    expect(await historyWith(() => Response.json(HISTORY))).toEqual(HISTORY);
    expect(historyRequests()).toMatchObject([{ method: 'GET', body: undefined }]);
    expect(Object.keys(historyRequests()[0]?.init ?? {})).toEqual(['signal']);
  });

  it('history works in a client that only watches', async () => {
    api.answer = () => Response.json(HISTORY);
    const presence = await startClient({ mood: null });
    const history = presence.history();
    await advance(1);
    expect(await history).toEqual(HISTORY);
  });

  it('history resolves to the documented keys, without keys that a later service adds', async () => {
    expect(await historyWith(() => Response.json({ ...HISTORY, days: 7 }))).toEqual(HISTORY);
  });

  it('history uses the global fetch if the page sets none', async () => {
    vi.stubGlobal('fetch', api.fetch);
    const presence = await startClientWith(() => Response.json(HISTORY));
    await stopClient(presence);
    const other = await startClient({ fetch: undefined, url: 'https://other.example/any/page' });
    const history = other.history();
    await advance(1);
    expect(await history).toEqual(HISTORY);
    expect(String(api.fetch.mock.lastCall?.[0])).toBe('https://other.example/api/history');
  });

  it('each call of history sends a request', async () => {
    const presence = await startClientWith(() => Response.json(HISTORY));
    const first = presence.history();
    await advance(1);
    const second = presence.history();
    await advance(1);
    expect(historyRequests()).toHaveLength(2);
    expect(await second).not.toBe(await first);
  });

  it('history resolves to null before the first start, and sends nothing', async () => {
    expect(await createClient().history()).toBeNull();
    expect(api.sent).toEqual([]);
  });

  it('history resolves to null after a start that threw an error, and sends nothing', async () => {
    const presence = createClient({ intervalMs: 1 });
    expect(() => presence.start()).toThrow(RangeError);
    expect(await presence.history()).toBeNull();
    expect(api.sent).toEqual([]);
  });

  it('history still works after stop', async () => {
    const presence = await startClientWith(() => Response.json(HISTORY));
    await stopClient(presence);
    const history = presence.history();
    await advance(1);
    expect(await history).toEqual(HISTORY);
  });

  it('history resolves to null in a named channel, and sends nothing for it', async () => {
    const presence = await startClient({ channel: 'lobby' });
    expect(await presence.history()).toBeNull();
    expect(api.paths()).toEqual(['channels/lobby/heartbeat']);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['the status 404, as on KV', () => problem(404, {}, { type: '/docs#no-history' })],
    ['the status 503', () => problem(503, { 'Retry-After': '60' })],
    ['an HTML page', () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ['the status 204', () => new Response(null, { status: 204 })],
    ['a body of null', () => Response.json(null)],
    ['a body that is a list', () => Response.json([HISTORY])],
    ['a presence state', () => Response.json(state())],
    ['an answer without a timestamp', () => Response.json({ ...HISTORY, timestamp: undefined })],
    ['a step of 0.5 ms', () => Response.json({ ...HISTORY, stepMs: 0.5 })],
    ['an answer without counts', () => Response.json({ ...HISTORY, counts: undefined })],
    ['counts that are a text', () => Response.json({ ...HISTORY, counts: '' })],
    ['counts that are an object', () => Response.json({ ...HISTORY, counts: {} })],
    ['a count that is null', () => Response.json({ ...HISTORY, counts: [1, null] })],
    ['a negative count', () => Response.json({ ...HISTORY, counts: [1, -1] })],
    ['a peak that is null', () => Response.json({ ...HISTORY, peak: null })],
    ['a peak without a count', () => Response.json({ ...HISTORY, peak: { at: HISTORY.peak.at } })],
    ['a peak without a time', () => Response.json({ ...HISTORY, peak: { count: 17 } })],
    ['visits that are a text', () => Response.json({ ...HISTORY, visits: '212' })],
    ['a network that is down', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('history resolves to null because of %s', async (_, answer) => {
    expect(await historyWith(answer)).toBeNull();
  });

  it('history does not retry, and a failure changes neither the snapshot nor the heartbeats', async () => {
    const presence = await startClientWith(() => problem(503, { 'Retry-After': '60' }));
    const snapshot = presence.getSnapshot();
    const history = presence.history();
    await advance(1);
    expect(await history).toBeNull();
    expect(presence.getSnapshot()).toBe(snapshot);
    await advance(60_000);
    expect(historyRequests()).toHaveLength(1);
    expect(api.paths().filter((path) => path === 'heartbeat').length).toBeGreaterThanOrEqual(6);
  });

  it('history resolves to null if a fetch of the page throws an error', async () => {
    const presence = await startClientWith(() => Response.json(HISTORY));
    api.fetch.mockImplementationOnce(() => {
      throw new TypeError('not allowed');
    });
    expect(await presence.history()).toBeNull();
  });

  it('history resolves to null after 10 s without an answer', async () => {
    // The real `AbortSignal.timeout` does not use the fake timers.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const presence = await startClientWith(() => Response.json(HISTORY));
    api.delayMs = 3_600_000;
    const resolved = vi.fn();
    void presence.history().then(resolved);
    await advance(9_999);
    expect(resolved).not.toHaveBeenCalled();
    await advance(1);
    expect(resolved).toHaveBeenCalledExactlyOnceWith(null);
  });

  it('history works without AbortSignal.timeout', async () => {
    // As in browsers of 2021.
    const presence = await startClientWith(() => Response.json(HISTORY));
    vi.stubGlobal('AbortSignal', class {});
    const history = presence.history();
    await advance(1);
    expect(await history).toEqual(HISTORY);
  });
});
