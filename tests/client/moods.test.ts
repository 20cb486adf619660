// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { api, create, dispatch, heartbeats, passed, present, setHidden, stopped } from './page';

describe('setMood', () => {
  it('sends a heartbeat at once', async () => {
    const presence = await present();
    presence.setMood('gratitude');
    await passed(1);
    expect(api.moods()).toEqual(['presence', 'gratitude']);
  });

  it('sends nothing if the mood is the same', async () => {
    const presence = await present();
    presence.setMood('presence');
    await passed(1);
    expect(heartbeats()).toBe(1);
  });

  it('shows the mood in the snapshot before an answer', async () => {
    const presence = await present();
    presence.setMood('release');
    expect(presence.getSnapshot().mood).toBe('release');
  });

  it('makes a watching client count, and a counted one watch', async () => {
    const presence = await present({ mood: null });
    presence.setMood('gratitude');
    await passed(1);
    presence.setMood(null);
    await passed(1);
    expect(api.paths()).toEqual(['presence', 'heartbeat', 'leave', 'presence']);
  });

  it('reads the count after the answer to the leave', async () => {
    const presence = await present();
    api.delayMs = 100;
    presence.setMood(null);
    await passed(90);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    await passed(20);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'presence']);
  });

  it('holds when it is called before the start', async () => {
    const presence = create();
    presence.setMood('connection');
    expect(api.sent).toEqual([]);
    presence.start();
    await passed(1);
    expect(api.moods()).toEqual(['connection']);
  });
});

describe('the default mood', () => {
  it('is replaced by the choice of the visit: in a second tab', async () => {
    const first = await present();
    first.setMood('release');
    await passed(1);
    const second = await present();
    expect(second.getSnapshot().mood).toBe('release');
    await passed(30_000);
    expect(new Set(api.moods().slice(1))).toEqual(new Set(['release']));
  });

  it('is replaced by the choice of the visit: after a reload', async () => {
    const first = await present();
    first.setMood('release');
    await passed(1);
    dispatch('pagehide');
    await passed(1);
    const second = await present();
    expect(second.getSnapshot().mood).toBe('release');
    expect(api.moods().at(-1)).toBe('release');
  });

  it('does not replace a choice: of a tab that leaves while it is hidden and is seen again', async () => {
    const hidden = await present({ whenHidden: 'leave' });
    setHidden(true);
    await passed(1);
    const other = await present();
    other.setMood('release');
    await passed(1);
    setHidden(false);
    await passed(30_000);
    expect(hidden.getSnapshot().mood).toBe('release');
    expect(api.moods().at(-1)).toBe('release');
  });

  it('does not replace the same mood that was chosen', async () => {
    const first = await present();
    first.setMood('presence');
    const second = await present({ mood: 'gratitude' });
    await passed(30_000);
    first.setMood('presence');
    await passed(1);
    await passed(30_000);
    expect(second.getSnapshot().mood).toBe('presence');
    expect(api.moods().at(-1)).toBe('presence');
  });
});

describe('a chosen mood', () => {
  it('replaces an earlier choice of another tab', async () => {
    const first = await present();
    first.setMood('release');
    await passed(1);
    await present({ mood: 'gratitude' });
    await passed(30_000);
    expect(first.getSnapshot().mood).toBe('gratitude');
    expect(new Set(api.moods().slice(-3))).toEqual(new Set(['gratitude']));
  });

  it('wins by the order of the choices, though the clock was set back between them', async () => {
    const first = await present();
    first.setMood('release');
    await passed(1);
    const { Date: RealDate } = globalThis;
    const second = await present();
    globalThis.Date = class extends RealDate {
      static override now = () => RealDate.now() - 3_600_000;
    } as DateConstructor;
    second.setMood('connection');
    await passed(30_000);
    globalThis.Date = RealDate;
    expect(first.getSnapshot().mood).toBe('connection');
  });

  it('ends with the visit', async () => {
    const first = await present();
    first.setMood('release');
    await passed(1);
    await stopped(first);
    await passed(60_000);
    const second = await present();
    expect(second.getSnapshot().mood).toBe('presence');
  });

  it('of an earlier visit gives way to the visit of now', async () => {
    const cached = await present();
    for (const mood of ['release', 'gratitude', 'release'] as const) cached.setMood(mood);
    await passed(1);
    dispatch('pagehide');
    await passed(60_000);
    const other = await present();
    other.setMood('connection');
    await passed(1);
    dispatch('pageshow');
    await passed(1);
    expect(cached.getSnapshot().mood).toBe('connection');
  });

  it('is not replaced by a tab that only watches', async () => {
    const first = await present();
    first.setMood('release');
    await present({ mood: null });
    await passed(30_000);
    expect(first.getSnapshot().mood).toBe('release');
    expect(api.moods().filter(Boolean).at(-1)).toBe('release');
  });
});
