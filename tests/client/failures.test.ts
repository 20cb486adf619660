// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { advance, api, dispatch, heartbeats, setHidden, startClient } from './page';
import { problem, state } from './service';

describe('failures', () => {
  it('the pauses after failures double up to 120 s', async () => {
    const times: number[] = [];
    api.answer = () => {
      times.push(Date.now());
      return problem(500);
    };
    vi.spyOn(Math, 'random').mockReturnValue(0.999999);
    await startClient();
    await advance(900_000);
    const gaps = times.slice(1, 10).map((time, index) => Math.round((time - (times[index] ?? 0)) / 100) / 10);
    expect(gaps).toEqual([2.5, 5, 10, 20, 40, 80, 120, 120, 120]);
  });

  it('a client with a failed heartbeat sends at least two more within 19 s', async () => {
    await startClient();
    api.answer = () => problem(500);
    await advance(12_000);
    const before = heartbeats();
    await advance(19_000);
    expect(heartbeats() - before).toBeGreaterThanOrEqual(2);
  });

  it('a heartbeat without an answer fails after 10 s', async () => {
    api.delayMs = 3_600_000;
    const presence = await startClient();
    await advance(9_990);
    expect(presence.getSnapshot().error).toBeNull();
    await advance(10);
    expect(presence.getSnapshot().error?.message).toBe('timeout');
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await advance(3_000);
    expect(heartbeats()).toBe(2);
  });

  it.each(['visible', 'hidden'])('the failures of a %s page end at the online event', async (visibility) => {
    const presence = await startClient();
    if (visibility === 'hidden') setHidden(true);
    api.answer = () => problem(500);
    await advance(200_000);
    api.answer = () => Response.json(state());
    dispatch('online');
    await advance(1);
    expect(presence.getSnapshot().status).toBe('live');
  });

  it('an error of a listener does not stop the heartbeats', async () => {
    const presence = await startClient();
    let isFirst = true;
    presence.subscribe(() => {
      if (!isFirst) throw new Error('of a listener');
      isFirst = false;
    });
    // The test runs the tasks itself, otherwise their errors end the test run.
    const tasks: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (task: () => void) => tasks.push(task));
    for (const sent of [2, 3]) {
      await advance(12_000);
      expect(tasks).toHaveLength(1);
      expect(tasks.pop()).toThrow('of a listener');
      expect(heartbeats()).toBe(sent);
    }
  });
});

describe('Retry-After', () => {
  it('a Retry-After delays the heartbeats of a mood, a visible page and the online event', async () => {
    api.answer = () => problem(429, { 'Retry-After': '60' });
    const presence = await startClient();
    presence.setMood('release');
    setHidden(false);
    dispatch('online');
    await advance(59_900);
    expect(heartbeats()).toBe(1);
    await advance(6_200);
    expect(heartbeats()).toBe(2);
  });

  it('a Retry-After can be a date by the clock of the server', async () => {
    const aheadMs = 3_600_000;
    api.answer = () => Response.json({ ...state(), timestamp: Date.now() + aheadMs });
    await startClient();
    api.answer = () => problem(503, { 'Retry-After': new Date(Date.now() + aheadMs + 60_000).toUTCString() });
    await advance(11_100);
    const before = heartbeats();
    await advance(47_000);
    expect(heartbeats()).toBe(before);
    await advance(20_000);
    expect(heartbeats()).toBe(before + 1);
  });

  it.each(['soon', '', '-5', '0', 'Thu, 01 Jan 1970 00:00:00 GMT', 'Infinity'])(
    'a Retry-After of %j has no effect, so the pauses after failures hold',
    async (value) => {
      api.answer = () => problem(503, { 'Retry-After': value });
      await startClient();
      await advance(2_500);
      expect(heartbeats()).toBe(2);
      await advance(300_000);
      expect(heartbeats()).toBeLessThan(20);
    },
  );

  it('a Retry-After of 3,000,000 s delays the heartbeat, and sets no timer in its first hour', async () => {
    api.answer = () => problem(503, { 'Retry-After': '3000000' });
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    await startClient();
    setTimer.mockClear();
    await advance(3_600_000);
    expect(heartbeats()).toBe(1);
    expect(setTimer).not.toHaveBeenCalled();
    await advance(3_000_000_000);
    expect(heartbeats()).toBe(1);
    await advance(300_000_000);
    expect(heartbeats()).toBe(2);
  });
});

describe('answers', () => {
  const DATA = state(3);
  it.each<[string, () => Response | Promise<Response>]>([
    ['a body that is not JSON', () => new Response('<html>')],
    ['a body of null', () => Response.json(null)],
    ['a body that is a list', () => Response.json([])],
    ['a count that is a text', () => Response.json({ ...DATA, count: '3' })],
    ['a negative count', () => Response.json({ ...DATA, count: -1 })],
    ['a count of 0.5', () => Response.json({ ...DATA, count: 0.5 })],
    ['an answer without moods', () => Response.json({ ...DATA, moods: {} })],
    ['a mood whose count is null', () => Response.json({ ...DATA, moods: { ...DATA.moods, release: null } })],
    ['an answer without a timestamp', () => Response.json({ ...DATA, timestamp: undefined })],
    ['a network that is down', () => Promise.reject(new TypeError('Failed to fetch'))],
  ])('a heartbeat fails because of %s', async (_, answer) => {
    api.answer = answer;
    const presence = await startClient();
    expect(presence.getSnapshot()).toMatchObject({
      status: 'connecting',
      data: null,
      error: expect.any(Error),
    });
    expect(Number.isFinite(presence.serverNow())).toBe(true);
  });

  it('an answer may have more keys and moods than the client knows', async () => {
    api.answer = () => Response.json({ ...DATA, moods: { ...DATA.moods, joy: 0 }, extra: 1 });
    const presence = await startClient();
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 3 } });
  });
});
