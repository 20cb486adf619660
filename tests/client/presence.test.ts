// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { PresenceSnapshot } from '../../src/client/presence';
import { api, create, dispatch, heartbeats, ID, page, passed, present, stopped } from './page';
import { problem, state } from './service';

describe('a heartbeat', () => {
  it('goes out at once, and its answer is the snapshot', async () => {
    const presence = await present({ mood: 'release' });
    expect(api.sent).toMatchObject([
      { method: 'POST', path: '/api/heartbeat', body: { sessionId: ID, mood: 'release' } },
    ]);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 1 }, error: null });
  });

  it('is a simple request, which needs no preflight', async () => {
    await present();
    const { init } = api.sent[0] ?? {};
    expect(typeof init?.body).toBe('string');
    expect(init?.headers).toBeUndefined();
  });

  it('follows the one before after ten seconds, ten percent more or less', async () => {
    const times: number[] = [];
    api.answer = () => {
      times.push(Date.now());
      return Response.json(state());
    };
    await present();
    await passed(2_000_000);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(9_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(11_005);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_500);
  });

  it('is never sent while another one is under way', async () => {
    api.delayMs = 5_000;
    const presence = await present();
    for (const mood of ['release', 'gratitude', 'connection'] as const) presence.setMood(mood);
    dispatch('online');
    expect(heartbeats()).toBe(1);
    await passed(5_001);
    expect(api.moods()).toEqual(['presence', 'connection']);
  });

  it('is sent once by a page that has just been loaded and gets its pageshow', async () => {
    await present();
    dispatch('pageshow');
    await passed(1);
    expect(heartbeats()).toBe(1);
  });

  it('is a GET with the mood null, and then nothing leaves', async () => {
    const presence = await present({ mood: null });
    expect(presence.getSnapshot()).toMatchObject({ data: { count: 1 }, mood: null });
    await stopped(presence);
    expect(api.sent.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/presence']);
  });
});

describe('the snapshot', () => {
  it('is frozen, and the same object until something changes', async () => {
    const presence = await present();
    const snapshot = presence.getSnapshot();
    await passed(5_000);
    expect(presence.getSnapshot()).toBe(snapshot);
    for (const part of [snapshot, snapshot.data, snapshot.data?.moods])
      expect(Object.isFrozen(part)).toBe(true);
    await passed(7_000);
    expect(presence.getSnapshot()).not.toBe(snapshot);
  });

  it('keeps the last good answer, as stale, with the error', async () => {
    const presence = await present();
    const { data } = presence.getSnapshot();
    api.answer = () => problem(503);
    await passed(12_000);
    expect(presence.getSnapshot()).toEqual({
      status: 'stale',
      data,
      others: 0,
      error: new Error('503 Come again later.'),
      mood: 'presence',
    });
    api.answer = () => Response.json(state(7));
    await passed(12_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 }, error: null });
  });

  it('has the pointer and the detail of the first fault of a body that the service refused', async () => {
    const errors = [
      { pointer: '#/mood', detail: 'must be one of: gratitude' },
      { pointer: '#/sessionId', detail: 'must be a UUID' },
    ];
    api.answer = () => problem(400, {}, { detail: 'The key errors says what is wrong, and where.', errors });
    const presence = await present();
    expect(presence.getSnapshot().error?.message).toBe('400 #/mood: must be one of: gratitude');
  });
});

describe('subscribe', () => {
  it('calls its listener at once, and after each change', async () => {
    const presence = create();
    const statuses: PresenceSnapshot['status'][] = [];
    presence.subscribe(({ status }) => statuses.push(status));
    expect(statuses).toEqual(['idle']);
    presence.start();
    await passed(1);
    expect(statuses).toEqual(['idle', 'connecting', 'live']);
  });

  it('makes the client a store of Svelte: the value comes before subscribe returns', () => {
    const presence = create();
    let value: PresenceSnapshot | undefined;
    const unsubscribe = presence.subscribe((snapshot) => {
      value = snapshot;
    });
    expect(value).toBe(presence.getSnapshot());
    expect(unsubscribe).toBeTypeOf('function');
  });

  it('makes two subscriptions of one listener that subscribes twice', async () => {
    const presence = await present();
    const listener = vi.fn();
    const unsubscribe = presence.subscribe(listener);
    presence.subscribe(listener);
    unsubscribe();
    listener.mockClear();
    await passed(12_000);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('calls no listener that has unsubscribed', async () => {
    const presence = await present();
    const listener = vi.fn();
    presence.subscribe(listener)();
    listener.mockClear();
    await passed(30_000);
    expect(listener).not.toHaveBeenCalled();
  });

  it('calls no listener that another one unsubscribes during the same change', async () => {
    const presence = await present();
    const second = vi.fn();
    let unsubscribe = () => {};
    presence.subscribe(() => unsubscribe());
    unsubscribe = presence.subscribe(second);
    second.mockClear();
    await passed(12_000);
    expect(second).not.toHaveBeenCalled();
  });
});

describe('start', () => {
  it('is needed: a client that is only created sends nothing', async () => {
    create();
    await passed(60_000);
    expect(api.sent).toEqual([]);
  });

  it('takes the origin of the page without an address', async () => {
    history.replaceState(null, '', '/rooms/1?page=2#here');
    await present({ url: undefined });
    expect(String(api.fetch.mock.calls[0]?.[0])).toBe(`${location.origin}/api/heartbeat`);
  });

  it('takes the base of the document, which a frame with srcdoc has from its parent', async () => {
    vi.spyOn(document, 'baseURI', 'get').mockReturnValue('https://parent.example/page');
    vi.stubGlobal('location', new URL('about:srcdoc'));
    await present({ url: undefined });
    expect(String(api.fetch.mock.calls[0]?.[0])).toBe('https://parent.example/api/heartbeat');
  });

  it.each(['https://', 'presence.example', 'localhost:8787', 'wss://presence.example'])(
    'throws with %s, which is no address',
    (url) => {
      const presence = create({ url });
      expect(() => presence.start()).toThrow(TypeError);
      expect(presence.getSnapshot().status).toBe('idle');
    },
  );
});

it('two clients on one page count once', async () => {
  await present();
  await present();
  await passed(11_000);
  expect(heartbeats()).toBeGreaterThan(2);
  expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
});

it('two services on one page get different ids', async () => {
  await present();
  await present({ url: 'https://other.example' });
  expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(2);
});

describe('a robot', () => {
  const CHROME = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0';
  const robots: [string, object][] = [
    ['a driven browser', { webdriver: true, userAgent: CHROME }],
    ['Googlebot', { webdriver: false, userAgent: `${CHROME} (compatible; Googlebot/2.1)` }],
    ['Baiduspider', { webdriver: false, userAgent: `${CHROME} (compatible; Baiduspider/2.0)` }],
  ];

  it.each(robots)('watches and is not counted, if it is %s', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator);
    const presence = await present({ robots: undefined, mood: 'release' });
    presence.setMood('gratitude');
    await passed(12_000);
    expect(new Set(api.paths())).toEqual(new Set(['presence']));
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', mood: null });
  });

  it.each(robots)('counts with robots: count, if it is %s', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator);
    await present({ robots: 'count' });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it.each(['', ' Cubot_X18_Plus'])('is no phone or desktop of a person: Chrome%s', async (suffix) => {
    vi.stubGlobal('navigator', { webdriver: false, userAgent: `${CHROME}${suffix}` });
    await present({ robots: undefined });
    expect(api.paths()).toEqual(['heartbeat']);
  });
});

it('a prerendered page sends nothing before it is shown', async () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  page.hidden = true;
  await present();
  await passed(60_000);
  expect(api.sent).toEqual([]);
  Reflect.deleteProperty(document, 'prerendering');
  page.hidden = false;
  document.dispatchEvent(new Event('prerenderingchange'));
  await passed(1);
  expect(api.paths()).toEqual(['heartbeat']);
});
