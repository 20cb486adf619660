// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { PresenceSnapshot } from '../../src/client/presence';
import { advance, api, createClient, dispatch, heartbeats, ID, page, startClient, stopClient } from './page';
import { problem, state } from './service';

describe('heartbeats', () => {
  it('a client sends a heartbeat at once, and its answer becomes the snapshot', async () => {
    const presence = await startClient({ mood: 'release' });
    expect(api.sent).toMatchObject([
      { method: 'POST', path: '/api/heartbeat', body: { sessionId: ID, mood: 'release' } },
    ]);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 1 }, error: null });
  });

  it('a heartbeat is a simple request, which needs no preflight', async () => {
    await startClient();
    const { init } = api.sent[0] ?? {};
    expect(typeof init?.body).toBe('string');
    expect(init?.headers).toBeUndefined();
  });

  it('a heartbeat follows the one before after 9 to 11 s', async () => {
    const times: number[] = [];
    api.answer = () => {
      times.push(Date.now());
      return Response.json(state());
    };
    await startClient();
    await advance(2_000_000);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(9_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(11_005);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_500);
  });

  it('a client sends no heartbeat while another one is under way', async () => {
    api.delayMs = 5_000;
    const presence = await startClient();
    for (const mood of ['release', 'gratitude', 'connection'] as const) presence.setMood(mood);
    dispatch('online');
    expect(heartbeats()).toBe(1);
    await advance(5_001);
    expect(api.moods()).toEqual(['presence', 'connection']);
  });

  it('a loaded page sends no second heartbeat at pageshow', async () => {
    await startClient();
    dispatch('pageshow');
    await advance(1);
    expect(heartbeats()).toBe(1);
  });

  it('a client with the mood null sends a GET and no leave', async () => {
    const presence = await startClient({ mood: null });
    expect(presence.getSnapshot()).toMatchObject({ data: { count: 1 }, mood: null });
    await stopClient(presence);
    expect(api.sent.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/presence']);
  });
});

describe('the snapshot', () => {
  it('the snapshot is frozen, and the same object until something changes', async () => {
    const presence = await startClient();
    const snapshot = presence.getSnapshot();
    await advance(5_000);
    expect(presence.getSnapshot()).toBe(snapshot);
    for (const part of [snapshot, snapshot.data, snapshot.data?.moods])
      expect(Object.isFrozen(part)).toBe(true);
    await advance(7_000);
    expect(presence.getSnapshot()).not.toBe(snapshot);
  });

  it('a stale snapshot keeps the last good answer and has the error', async () => {
    const presence = await startClient();
    const { data } = presence.getSnapshot();
    api.answer = () => problem(503);
    await advance(12_000);
    expect(presence.getSnapshot()).toEqual({
      status: 'stale',
      data,
      others: 0,
      error: new Error('503 Come again later.'),
      mood: 'presence',
    });
    api.answer = () => Response.json(state(7));
    await advance(12_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 }, error: null });
  });

  it('the error has the pointer and the detail of the first fault in a refused body', async () => {
    const errors = [
      { pointer: '#/mood', detail: 'must be one of: gratitude' },
      { pointer: '#/sessionId', detail: 'must be a UUID' },
    ];
    api.answer = () => problem(400, {}, { detail: 'The key errors says what is wrong, and where.', errors });
    const presence = await startClient();
    expect(presence.getSnapshot().error?.message).toBe('400 #/mood: must be one of: gratitude');
  });
});

describe('subscribe', () => {
  it('subscribe calls its listener at once and after each change', async () => {
    const presence = createClient();
    const statuses: PresenceSnapshot['status'][] = [];
    presence.subscribe(({ status }) => statuses.push(status));
    expect(statuses).toEqual(['idle']);
    presence.start();
    await advance(1);
    expect(statuses).toEqual(['idle', 'connecting', 'live']);
  });

  it('subscribe calls its listener before it returns, as a store of Svelte must', () => {
    const presence = createClient();
    let value: PresenceSnapshot | undefined;
    const unsubscribe = presence.subscribe((snapshot) => {
      value = snapshot;
    });
    expect(value).toBe(presence.getSnapshot());
    expect(unsubscribe).toBeTypeOf('function');
  });

  it('a listener that subscribes twice has two subscriptions', async () => {
    const presence = await startClient();
    const listener = vi.fn();
    const unsubscribe = presence.subscribe(listener);
    presence.subscribe(listener);
    unsubscribe();
    listener.mockClear();
    await advance(12_000);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('a listener that has unsubscribed gets no calls', async () => {
    const presence = await startClient();
    const listener = vi.fn();
    presence.subscribe(listener)();
    listener.mockClear();
    await advance(30_000);
    expect(listener).not.toHaveBeenCalled();
  });

  it('two changes in one tick call a listener once, with the second snapshot', async () => {
    const presence = await startClient();
    const listener = vi.fn();
    presence.subscribe(listener);
    listener.mockClear();
    presence.setMood('release');
    presence.setMood('gratitude');
    // The time until the listeners run, and before the answer.
    await Promise.resolve();
    expect(listener.mock.calls).toEqual([[presence.getSnapshot()]]);
    expect(presence.getSnapshot().mood).toBe('gratitude');
  });

  it('a listener gets the change that its first call makes', async () => {
    const presence = await startClient();
    const moods: unknown[] = [];
    presence.subscribe(({ mood }) => {
      moods.push(mood);
      if (mood === 'presence') presence.setMood('release');
    });
    await Promise.resolve();
    expect(moods).toEqual(['presence', 'release']);
  });

  it('a listener that throws at its first call makes subscribe throw, and gets no more calls', async () => {
    const presence = await startClient();
    const listener = vi.fn(() => {
      throw new Error('not ready');
    });
    expect(() => presence.subscribe(listener)).toThrow('not ready');
    await advance(12_000);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('a listener that another one unsubscribes gets no call of the same change', async () => {
    const presence = await startClient();
    const second = vi.fn();
    let unsubscribe = () => {};
    presence.subscribe(() => unsubscribe());
    unsubscribe = presence.subscribe(second);
    second.mockClear();
    await advance(12_000);
    expect(second).not.toHaveBeenCalled();
  });
});

describe('start', () => {
  it('a client that has not started sends nothing', async () => {
    createClient();
    await advance(60_000);
    expect(api.sent).toEqual([]);
  });

  it('a client without a url uses the origin of the page', async () => {
    history.replaceState(null, '', '/rooms/1?page=2#here');
    await startClient({ url: undefined });
    expect(String(api.fetch.mock.calls[0]?.[0])).toBe(`${location.origin}/api/heartbeat`);
  });

  it('a client without a url uses the base of the document in a frame with srcdoc', async () => {
    vi.spyOn(document, 'baseURI', 'get').mockReturnValue('https://parent.example/page');
    vi.stubGlobal('location', new URL('about:srcdoc'));
    await startClient({ url: undefined });
    expect(String(api.fetch.mock.calls[0]?.[0])).toBe('https://parent.example/api/heartbeat');
  });

  it.each(['https://', 'presence.example', 'localhost:8787', 'wss://presence.example'])(
    'start throws a TypeError for the url %s',
    (url) => {
      const presence = createClient({ url });
      expect(() => presence.start()).toThrow(TypeError);
      expect(presence.getSnapshot().status).toBe('idle');
    },
  );
});

it('two clients on one page send one id', async () => {
  await startClient();
  await startClient();
  await advance(11_000);
  expect(heartbeats()).toBeGreaterThan(2);
  expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
});

it('two services on one page get different ids', async () => {
  await startClient();
  await startClient({ url: 'https://other.example' });
  expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(2);
});

describe('robots', () => {
  const CHROME = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0';
  const robots: [string, object][] = [
    ['a browser that a program drives', { webdriver: true, userAgent: CHROME }],
    ['Googlebot', { webdriver: false, userAgent: `${CHROME} (compatible; Googlebot/2.1)` }],
    ['Baiduspider', { webdriver: false, userAgent: `${CHROME} (compatible; Baiduspider/2.0)` }],
  ];

  it.each(robots)('%s watches and is not counted', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator);
    const presence = await startClient({ robots: undefined, mood: 'release' });
    presence.setMood('gratitude');
    await advance(12_000);
    expect(new Set(api.paths())).toEqual(new Set(['presence']));
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', mood: null });
  });

  it.each(robots)('%s counts with robots: count', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator);
    await startClient({ robots: 'count' });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it.each(['', ' Cubot_X18_Plus'])(
    'a browser is no robot with the suffix %j in its user agent',
    async (suffix) => {
      vi.stubGlobal('navigator', { webdriver: false, userAgent: `${CHROME}${suffix}` });
      await startClient({ robots: undefined });
      expect(api.paths()).toEqual(['heartbeat']);
    },
  );
});

it('a prerendered page sends nothing before its activation', async () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  page.hidden = true;
  await startClient();
  await advance(60_000);
  expect(api.sent).toEqual([]);
  Reflect.deleteProperty(document, 'prerendering');
  page.hidden = false;
  document.dispatchEvent(new Event('prerenderingchange'));
  await advance(1);
  expect(api.paths()).toEqual(['heartbeat']);
});
