// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { createPresence, type PresenceSnapshot } from '../../src/client/presence';
import { api, beats, ID, passed, presences, present, show } from './page';
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

  it('comes every ten seconds, ten percent more or less', async () => {
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

  it('is one at a time', async () => {
    api.delayMs = 5_000;
    const presence = await present();
    for (const mood of ['release', 'gratitude', 'connection'] as const) presence.setMood(mood);
    show('online');
    expect(beats()).toBe(1);
    await passed(5_001);
    expect(api.sent.map(({ body }) => body?.['mood'])).toEqual(['presence', 'connection']);
  });

  it('goes out once when the page is shown that has just been loaded', async () => {
    await present();
    show('pageshow');
    await passed(1);
    expect(beats()).toBe(1);
  });

  it('is only a look with a mood of null, and then nobody leaves', async () => {
    const presence = await present({ mood: null });
    expect(presence.getSnapshot().data?.count).toBe(1);
    void presence.stop();
    await passed(100);
    expect(api.sent.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/presence']);
  });
});

describe('setMood', () => {
  it('beats at once', async () => {
    const presence = await present();
    presence.setMood('gratitude');
    await passed(1);
    expect(api.sent.map(({ body }) => body?.['mood'])).toEqual(['presence', 'gratitude']);
  });

  it('does nothing if the mood is the same', async () => {
    const presence = await present();
    presence.setMood('presence');
    await passed(1);
    expect(beats()).toBe(1);
  });

  it('joins who only watched, and lets who took part only watch', async () => {
    const presence = await present({ mood: null });
    presence.setMood('gratitude');
    await passed(1);
    presence.setMood(null);
    await passed(1);
    expect(api.paths()).toEqual(['presence', 'heartbeat', 'leave', 'presence']);
  });

  it('does not look before it has left', async () => {
    const presence = await present();
    api.delayMs = 100;
    presence.setMood(null);
    await passed(90);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    await passed(20);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'presence']);
  });

  it('counts when it is set before the start', async () => {
    const presence = createPresence({ url: 'https://presence.example', fetch: api.fetch, sessionId: ID });
    presences.push(presence);
    presence.setMood('connection');
    expect(api.sent).toEqual([]);
    presence.start();
    await passed(1);
    expect(api.sent).toMatchObject([{ body: { mood: 'connection' } }]);
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

  it('goes from idle over connecting to live, and tells each', async () => {
    const presence = createPresence({ url: 'https://presence.example', fetch: api.fetch, sessionId: ID });
    presences.push(presence);
    const told: PresenceSnapshot['status'][] = [presence.getSnapshot().status];
    presence.subscribe(({ status }) => told.push(status));
    presence.start();
    await passed(1);
    expect(told).toEqual(['idle', 'connecting', 'live']);
  });

  it('keeps the last good answer, as stale, with what is wrong', async () => {
    const presence = await present();
    const { data } = presence.getSnapshot();
    api.answer = () => problem(503);
    await passed(12_000);
    expect(presence.getSnapshot()).toEqual({
      status: 'stale',
      data,
      error: new Error('503 Come again later.'),
    });
    api.answer = () => Response.json(state(7));
    await passed(12_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 }, error: null });
  });

  it.each([
    ['an answer that is no JSON', () => new Response('<html>')],
    ['an answer that is no presence state', () => Response.json({ count: 'many' })],
    ['an answer that is null', () => Response.json(null)],
    ['a network that is down', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('is connecting, with an error, after %s', async (_, answer) => {
    api.answer = answer;
    const presence = await present();
    expect(presence.getSnapshot()).toMatchObject({
      status: 'connecting',
      data: null,
      error: expect.any(Error),
    });
  });

  it('is told to nobody who has unsubscribed', async () => {
    const presence = await present();
    const listener = vi.fn();
    presence.subscribe(listener)();
    await passed(30_000);
    expect(listener).not.toHaveBeenCalled();
  });

  it('is not told any more to who unsubscribes while others are told', async () => {
    const presence = await present();
    const second = vi.fn();
    let unsubscribe = () => {};
    presence.subscribe(() => unsubscribe());
    unsubscribe = presence.subscribe(second);
    await passed(12_000);
    expect(second).not.toHaveBeenCalled();
  });
});

it('two on one page are one person', async () => {
  await present({ sessionId: undefined });
  await present({ sessionId: undefined });
  await passed(11_000);
  expect(beats()).toBeGreaterThan(2);
  expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
});

it('without an address the service is at the origin of the page', async () => {
  history.replaceState(null, '', '/rooms/1?guest#here');
  await present({ url: undefined });
  expect(String(api.fetch.mock.calls[0]?.[0])).toBe(`${location.origin}/api/heartbeat`);
});

it('a wrong address is told at the start', () => {
  const presence = createPresence({ url: 'https://' });
  expect(() => presence.start()).toThrow(TypeError);
  expect(presence.getSnapshot().status).toBe('idle');
});

it('nothing happens before the start', async () => {
  createPresence({ fetch: api.fetch });
  await passed(60_000);
  expect(api.sent).toEqual([]);
});

it('serverNow is the clock of the server, half a round trip after it told', async () => {
  api.delayMs = 200;
  api.answer = () => Response.json({ ...state(), timestamp: Date.now() + 3_600_000 });
  const presence = await present();
  expect(presence.serverNow()).toBe(Date.now());
  await passed(500);
  expect(presence.serverNow() - Date.now()).toBe(3_600_000 + 100);
});
