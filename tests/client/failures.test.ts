// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { api, dispatch, heartbeats, passed, present, setHidden } from './page';
import { problem, state } from './service';

describe('failures', () => {
  it('are followed by pauses that double, up to two minutes', async () => {
    const times: number[] = [];
    api.answer = () => {
      times.push(Date.now());
      return problem(500);
    };
    vi.spyOn(Math, 'random').mockReturnValue(0.999999);
    await present();
    await passed(900_000);
    const gaps = times.slice(1, 10).map((time, index) => Math.round((time - (times[index] ?? 0)) / 100) / 10);
    expect(gaps).toEqual([2.5, 5, 10, 20, 40, 80, 120, 120, 120]);
  });

  it('are followed by two more attempts before the session expires', async () => {
    await present();
    api.answer = () => problem(500);
    await passed(12_000);
    const before = heartbeats();
    await passed(19_000);
    expect(heartbeats() - before).toBeGreaterThanOrEqual(2);
  });

  it('include an attempt without an answer for ten seconds', async () => {
    api.delayMs = 3_600_000;
    const presence = await present();
    await passed(9_990);
    expect(presence.getSnapshot().error).toBeNull();
    await passed(10);
    expect(presence.getSnapshot().error?.message).toBe('timeout');
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await passed(3_000);
    expect(heartbeats()).toBe(2);
  });

  it.each(['visible', 'hidden'])(
    'end when the browser is online again, in a page that is %s',
    async (visibility) => {
      const presence = await present();
      if (visibility === 'hidden') setHidden(true);
      api.answer = () => problem(500);
      await passed(200_000);
      api.answer = () => Response.json(state());
      dispatch('online');
      await passed(1);
      expect(presence.getSnapshot().status).toBe('live');
    },
  );

  it('of a listener end nothing', async () => {
    const presence = await present();
    let isFirst = true;
    presence.subscribe(() => {
      if (!isFirst) throw new Error('of a listener');
      isFirst = false;
    });
    // Kept, because an error in a microtask ends the test run.
    const tasks: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (task: () => void) => tasks.push(task));
    await passed(24_000);
    expect(tasks).toHaveLength(2);
    for (const task of tasks) expect(task).toThrow('of a listener');
    expect(heartbeats()).toBe(3);
  });
});

describe('Retry-After', () => {
  it('delays every heartbeat, whatever happens before it is over', async () => {
    api.answer = () => problem(429, { 'Retry-After': '60' });
    const presence = await present();
    presence.setMood('release');
    setHidden(false);
    dispatch('online');
    await passed(59_900);
    expect(heartbeats()).toBe(1);
    await passed(6_200);
    expect(heartbeats()).toBe(2);
  });

  it('can be a date, by the clock of the server', async () => {
    const aheadMs = 3_600_000;
    api.answer = () => Response.json({ ...state(), timestamp: Date.now() + aheadMs });
    await present();
    api.answer = () => problem(503, { 'Retry-After': new Date(Date.now() + aheadMs + 60_000).toUTCString() });
    await passed(11_100);
    const before = heartbeats();
    await passed(47_000);
    expect(heartbeats()).toBe(before);
    await passed(20_000);
    expect(heartbeats()).toBe(before + 1);
  });

  it.each(['soon', '', '-5', '0', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Infinity'])(
    'has no effect if it is %j: the pauses after failures hold',
    async (value) => {
      api.answer = () => problem(503, { 'Retry-After': value });
      await present();
      await passed(2_500);
      expect(heartbeats()).toBe(2);
      await passed(300_000);
      expect(heartbeats()).toBeLessThan(20);
    },
  );

  it('of a month makes no timer spin', async () => {
    api.answer = () => problem(503, { 'Retry-After': '3000000' });
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    await present();
    setTimer.mockClear();
    await passed(3_600_000);
    expect(heartbeats()).toBe(1);
    expect(setTimer).not.toHaveBeenCalled();
    await passed(3_000_000_000);
    expect(heartbeats()).toBe(1);
    await passed(300_000_000);
    expect(heartbeats()).toBe(2);
  });
});

describe('an answer', () => {
  const DATA = state(3);
  it.each<[string, () => Response | Promise<Response>]>([
    ['no JSON', () => new Response('<html>')],
    ['null', () => Response.json(null)],
    ['a list', () => Response.json([])],
    ['a count that is a text', () => Response.json({ ...DATA, count: '3' })],
    ['a negative count', () => Response.json({ ...DATA, count: -1 })],
    ['half a person', () => Response.json({ ...DATA, count: 0.5 })],
    ['no moods', () => Response.json({ ...DATA, moods: {} })],
    ['a mood without a number', () => Response.json({ ...DATA, moods: { ...DATA.moods, release: null } })],
    ['no timestamp', () => Response.json({ ...DATA, timestamp: undefined })],
    ['a network that is down', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('that is or has %s is a failure', async (_, answer) => {
    api.answer = answer;
    const presence = await present();
    expect(presence.getSnapshot()).toMatchObject({
      status: 'connecting',
      data: null,
      error: expect.any(Error),
    });
    expect(Number.isFinite(presence.serverNow())).toBe(true);
  });

  it('may have more keys and moods than the client knows', async () => {
    api.answer = () => Response.json({ ...DATA, moods: { ...DATA.moods, joy: 0 }, extra: 1 });
    const presence = await present();
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 3 } });
  });
});
