// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { api, beats, look, passed, present, show } from './page';
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

  it('are tried again within the time that a session lives', async () => {
    await present();
    api.answer = () => problem(500);
    await passed(12_000);
    const before = beats();
    await passed(19_000);
    expect(beats() - before).toBeGreaterThanOrEqual(2);
  });

  it('wait as long as Retry-After asks for, whatever happens meanwhile', async () => {
    api.answer = () => problem(429, { 'Retry-After': '60' });
    const presence = await present();
    presence.setMood('release');
    look(false);
    show('online');
    await passed(59_900);
    expect(beats()).toBe(1);
    await passed(6_200);
    expect(beats()).toBe(2);
  });

  it('are attempts that have no answer for ten seconds, too', async () => {
    api.delayMs = 3_600_000;
    const presence = await present();
    await passed(9_990);
    expect(presence.getSnapshot().error).toBeNull();
    await passed(10);
    expect(presence.getSnapshot().error?.message).toBe('timeout');
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await passed(3_000);
    expect(beats()).toBe(2);
  });

  it.each(['seen', 'hidden'])(
    'end when the browser is online again, in a page that is %s',
    async (visibility) => {
      const presence = await present();
      if (visibility === 'hidden') look(true);
      api.answer = () => problem(500);
      await passed(200_000);
      api.answer = () => Response.json(state());
      show('online');
      await passed(1);
      expect(presence.getSnapshot().status).toBe('live');
    },
  );

  it('of a listener end nothing', async () => {
    const presence = await present();
    const listener = vi.fn(() => {
      throw new Error('of a listener');
    });
    presence.subscribe(listener);
    // Kept, since what a microtask throws would end the run.
    const tasks: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (task: () => void) => tasks.push(task));
    await passed(24_000);
    expect(tasks).toHaveLength(2);
    for (const task of tasks) expect(task).toThrow('of a listener');
    expect(beats()).toBe(3);
  });
});
