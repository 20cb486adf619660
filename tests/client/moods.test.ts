// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { advance, api, createClient, dispatch, heartbeats, setHidden, startClient, stopClient } from './page';

describe('setMood', () => {
  it('setMood sends a heartbeat at once', async () => {
    const presence = await startClient();
    presence.setMood('gratitude');
    await advance(1);
    expect(api.moods()).toEqual(['presence', 'gratitude']);
  });

  it('setMood sends nothing if the mood is the same', async () => {
    const presence = await startClient();
    presence.setMood('presence');
    await advance(1);
    expect(heartbeats()).toBe(1);
  });

  it('setMood shows the mood in the snapshot before an answer', async () => {
    const presence = await startClient();
    presence.setMood('release');
    expect(presence.getSnapshot().mood).toBe('release');
  });

  it('setMood makes a watching client count, and setMood(null) makes it watch again', async () => {
    const presence = await startClient({ mood: null });
    presence.setMood('gratitude');
    await advance(1);
    presence.setMood(null);
    await advance(1);
    expect(api.paths()).toEqual(['presence', 'heartbeat', 'leave', 'presence']);
  });

  it('setMood(null) reads the count after the answer to the leave', async () => {
    const presence = await startClient();
    api.delayMs = 100;
    presence.setMood(null);
    await advance(90);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    await advance(20);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'presence']);
  });

  it('a client sends the mood that setMood set before the start', async () => {
    const presence = createClient();
    presence.setMood('connection');
    expect(api.sent).toEqual([]);
    presence.start();
    await advance(1);
    expect(api.moods()).toEqual(['connection']);
  });
});

describe('the default mood', () => {
  it('a second tab has the mood that the first tab chose in place of the default mood', async () => {
    const first = await startClient();
    first.setMood('release');
    await advance(1);
    const second = await startClient();
    expect(second.getSnapshot().mood).toBe('release');
    await advance(30_000);
    expect(new Set(api.moods().slice(1))).toEqual(new Set(['release']));
  });

  it('a reloaded page has the chosen mood in place of the default mood', async () => {
    const first = await startClient();
    first.setMood('release');
    await advance(1);
    dispatch('pagehide');
    await advance(1);
    const second = await startClient();
    expect(second.getSnapshot().mood).toBe('release');
    expect(api.moods().at(-1)).toBe('release');
  });

  it('a tab with whenHidden: leave adopts the choice of another tab when it is visible again', async () => {
    const hidden = await startClient({ whenHidden: 'leave' });
    setHidden(true);
    await advance(1);
    const other = await startClient();
    other.setMood('release');
    await advance(1);
    setHidden(false);
    await advance(30_000);
    expect(hidden.getSnapshot().mood).toBe('release');
    expect(api.moods().at(-1)).toBe('release');
  });

  it('a choice of the default mood replaces an earlier choice of another tab', async () => {
    const first = await startClient();
    first.setMood('presence');
    const second = await startClient({ mood: 'gratitude' });
    await advance(30_000);
    first.setMood('presence');
    await advance(1);
    await advance(30_000);
    expect(second.getSnapshot().mood).toBe('presence');
    expect(api.moods().at(-1)).toBe('presence');
  });
});

describe('chosen moods', () => {
  it('the mood option of a new tab replaces an earlier choice of another tab', async () => {
    const first = await startClient();
    first.setMood('release');
    await advance(1);
    await startClient({ mood: 'gratitude' });
    await advance(30_000);
    expect(first.getSnapshot().mood).toBe('gratitude');
    expect(new Set(api.moods().slice(-3))).toEqual(new Set(['gratitude']));
  });

  it('the later choice wins although the clock was set back between two choices', async () => {
    const first = await startClient();
    first.setMood('release');
    await advance(1);
    const { Date: RealDate } = globalThis;
    const second = await startClient();
    globalThis.Date = class extends RealDate {
      static override now = () => RealDate.now() - 3_600_000;
    } as DateConstructor;
    second.setMood('connection');
    await advance(30_000);
    globalThis.Date = RealDate;
    expect(first.getSnapshot().mood).toBe('connection');
  });

  it('a chosen mood ends with the visit', async () => {
    const first = await startClient();
    first.setMood('release');
    await advance(1);
    await stopClient(first);
    await advance(60_000);
    const second = await startClient();
    expect(second.getSnapshot().mood).toBe('presence');
  });

  it('a page that returns in another visit adopts the mood of that visit', async () => {
    const cached = await startClient();
    for (const mood of ['release', 'gratitude', 'release'] as const) cached.setMood(mood);
    await advance(1);
    dispatch('pagehide');
    await advance(60_000);
    const other = await startClient();
    other.setMood('connection');
    await advance(1);
    dispatch('pageshow');
    await advance(1);
    expect(cached.getSnapshot().mood).toBe('connection');
  });

  it('a tab that only watches does not replace a chosen mood', async () => {
    const first = await startClient();
    first.setMood('release');
    await startClient({ mood: null });
    await advance(30_000);
    expect(first.getSnapshot().mood).toBe('release');
    expect(api.moods().filter(Boolean).at(-1)).toBe('release');
  });
});
