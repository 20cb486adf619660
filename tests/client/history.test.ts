// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { PresenceHistory } from '../../src/client/presence';
import { api, create, passed, present, stopped } from './page';
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
const asked = () => api.sent.filter(({ path }) => path === '/api/history');

/** A client whose service answers heartbeats, and requests for the history with this. */
async function presentWith(answer: () => Response | Promise<Response>) {
  api.answer = () => (api.sent.at(-1)?.path === '/api/history' ? answer() : Response.json(state()));
  return present({ live: false });
}

async function historyWith(answer: () => Response | Promise<Response>) {
  const presence = await presentWith(answer);
  const history = presence.history();
  await passed(1);
  return history;
}

describe('history', () => {
  it('history reads the history of the service, by a request that needs no preflight', async () => {
    expect(await historyWith(() => Response.json(HISTORY))).toEqual(HISTORY);
    expect(asked()).toMatchObject([{ method: 'GET', body: undefined }]);
    expect(Object.keys(asked()[0]?.init ?? {})).toEqual(['signal']);
  });

  it('history works in a client that only watches', async () => {
    api.answer = () => Response.json(HISTORY);
    const presence = await present({ mood: null });
    const history = presence.history();
    await passed(1);
    expect(await history).toEqual(HISTORY);
  });

  it('history resolves to the keys of the contract, and not to others that a later service adds', async () => {
    expect(await historyWith(() => Response.json({ ...HISTORY, days: 7 }))).toEqual(HISTORY);
  });

  it('history uses the global fetch without the option', async () => {
    vi.stubGlobal('fetch', api.fetch);
    const presence = await presentWith(() => Response.json(HISTORY));
    await stopped(presence);
    const other = await present({ fetch: undefined, url: 'https://other.example/any/page' });
    const history = other.history();
    await passed(1);
    expect(await history).toEqual(HISTORY);
    expect(String(api.fetch.mock.lastCall?.[0])).toBe('https://other.example/api/history');
  });

  it('history keeps nothing: each call sends a request', async () => {
    const presence = await presentWith(() => Response.json(HISTORY));
    const first = presence.history();
    await passed(1);
    const second = presence.history();
    await passed(1);
    expect(asked()).toHaveLength(2);
    expect(await second).not.toBe(await first);
  });

  it('history resolves to null before the first start, and sends nothing', async () => {
    expect(await create().history()).toBeNull();
    expect(api.sent).toEqual([]);
  });

  it('history resolves to null after a start that threw an error, and sends nothing', async () => {
    const presence = create({ intervalMs: 1 });
    expect(() => presence.start()).toThrow(RangeError);
    expect(await presence.history()).toBeNull();
    expect(api.sent).toEqual([]);
  });

  it('history still works after stop', async () => {
    const presence = await presentWith(() => Response.json(HISTORY));
    await stopped(presence);
    const history = presence.history();
    await passed(1);
    expect(await history).toEqual(HISTORY);
  });

  it('history resolves to null in a named channel, and sends nothing for it', async () => {
    const presence = await present({ channel: 'lobby' });
    expect(await presence.history()).toBeNull();
    expect(api.paths()).toEqual(['channels/lobby/heartbeat']);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['404, as on KV', () => problem(404, {}, { type: '/docs#no-history' })],
    ['503', () => problem(503, { 'Retry-After': '60' })],
    ['a page', () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ['nothing', () => new Response(null, { status: 204 })],
    ['null', () => Response.json(null)],
    ['a list', () => Response.json([HISTORY])],
    ['a presence state', () => Response.json(state())],
    ['no timestamp', () => Response.json({ ...HISTORY, timestamp: undefined })],
    ['half a step', () => Response.json({ ...HISTORY, stepMs: 0.5 })],
    ['no counts', () => Response.json({ ...HISTORY, counts: undefined })],
    ['counts that are a text', () => Response.json({ ...HISTORY, counts: '' })],
    ['counts that are an object', () => Response.json({ ...HISTORY, counts: {} })],
    ['a count that is null', () => Response.json({ ...HISTORY, counts: [1, null] })],
    ['a negative count', () => Response.json({ ...HISTORY, counts: [1, -1] })],
    ['no peak', () => Response.json({ ...HISTORY, peak: null })],
    ['a peak without a count', () => Response.json({ ...HISTORY, peak: { at: HISTORY.peak.at } })],
    ['a peak without a time', () => Response.json({ ...HISTORY, peak: { count: 17 } })],
    ['visits that are a text', () => Response.json({ ...HISTORY, visits: '212' })],
    ['a network that is down', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('history resolves to null if the answer is or has %s', async (_, answer) => {
    expect(await historyWith(answer)).toBeNull();
  });

  it('history does not retry, and a failure changes neither the snapshot nor the heartbeats', async () => {
    const presence = await presentWith(() => problem(503, { 'Retry-After': '60' }));
    const snapshot = presence.getSnapshot();
    const history = presence.history();
    await passed(1);
    expect(await history).toBeNull();
    expect(presence.getSnapshot()).toBe(snapshot);
    await passed(60_000);
    expect(asked()).toHaveLength(1);
    expect(api.paths().filter((path) => path === 'heartbeat').length).toBeGreaterThanOrEqual(6);
  });

  it('history resolves to null if a fetch of the page throws an error', async () => {
    const presence = await presentWith(() => Response.json(HISTORY));
    api.fetch.mockImplementationOnce(() => {
      throw new TypeError('not allowed');
    });
    expect(await presence.history()).toBeNull();
  });

  it('history resolves to null after ten seconds without an answer', async () => {
    // The timer of the real one is not fake.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const presence = await presentWith(() => Response.json(HISTORY));
    api.delayMs = 3_600_000;
    const resolved = vi.fn();
    void presence.history().then(resolved);
    await passed(9_999);
    expect(resolved).not.toHaveBeenCalled();
    await passed(1);
    expect(resolved).toHaveBeenCalledExactlyOnceWith(null);
  });

  it('history needs no AbortSignal.timeout, which browsers of 2021 lack', async () => {
    const presence = await presentWith(() => Response.json(HISTORY));
    vi.stubGlobal('AbortSignal', class {});
    const history = presence.history();
    await passed(1);
    expect(await history).toEqual(HISTORY);
  });
});
