// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import {
  advance,
  api,
  createClient,
  dispatch,
  heartbeats,
  STOP_MS,
  setHidden,
  startClient,
  stopClient,
} from './page';

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

  it('setMood(null) reads the count without the answer to the leave, and again 1 s after the first answer', async () => {
    const presence = await startClient();
    const { answer } = api;
    api.answer = () => (api.sent.at(-1)?.path === '/api/leave' ? new Promise<Response>(() => {}) : answer());
    presence.setMood(null);
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'presence']);
    // The leave can arrive after the read. Then the first count includes this browser.
    await advance(1_001);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'presence', 'presence']);
    await advance(8_000);
    expect(api.sent).toHaveLength(4);
  });

  it('setMood(null) makes the snapshot stale until the answer of the read', async () => {
    const presence = await startClient();
    api.delayMs = 100;
    presence.setMood(null);
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', mood: null });
    await advance(101);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', others: 1 });
  });

  it.each([false, true])(
    'a client that watches, chooses, watches and chooses in one tick counts with the last mood, with locks: %s',
    async (hasLocks) => {
      if (hasLocks) vi.stubGlobal('navigator', { locks: new FakeLocks(), userAgent: '', webdriver: false });
      const presence = await startClient({ mood: null });
      api.sent.length = 0;
      for (const mood of ['release', null, 'gratitude', null, 'connection'] as const) presence.setMood(mood);
      await advance(1);
      expect(presence.getSnapshot()).toMatchObject({ status: 'live', mood: 'connection', others: 0 });
      expect(api.sent.at(-1)).toMatchObject({ path: '/api/heartbeat', body: { mood: 'connection' } });
      // The last leave can arrive after the heartbeat.
      api.sent.length = 0;
      await advance(1_001);
      expect(api.moods()).toEqual(['connection']);
    },
  );

  it('setMood(null) within the 0.2 s of a stop leaves at once, and shows the mood', async () => {
    const presence = await startClient();
    const stopped = presence.stop();
    presence.setMood(null);
    expect(presence.getSnapshot().mood).toBeNull();
    await advance(STOP_MS);
    await stopped;
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot().status).toBe('idle');
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

describe('setMood(undefined)', () => {
  it('setMood(undefined) does nothing in a client that counts', async () => {
    const presence = await startClient({ mood: 'release' });
    const stored = { ...localStorage };
    const snapshot = presence.getSnapshot();
    await advance(5);
    presence.setMood(undefined);
    await advance(1);
    expect(presence.getSnapshot()).toBe(snapshot);
    expect({ ...localStorage }).toEqual(stored);
    expect(api.moods()).toEqual(['release']);
  });

  it('setMood(undefined) makes a watching client count with the default mood if none was chosen', async () => {
    const presence = await startClient({ mood: null });
    presence.setMood(undefined);
    await advance(1);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', mood: 'presence' });
    expect(api.moods()).toEqual([undefined, 'presence']);
  });

  it('setMood(undefined) makes a watching client count with the stored choice, and makes no choice', async () => {
    const presence = await startClient({ mood: 'release' });
    const { moods } = JSON.parse(Object.values(localStorage)[0]);
    await advance(5);
    presence.setMood(null);
    await advance(5);
    presence.setMood(undefined);
    await advance(1);
    expect(presence.getSnapshot().mood).toBe('release');
    expect(api.moods().at(-1)).toBe('release');
    expect(JSON.parse(Object.values(localStorage)[0]).moods).toEqual(moods);
  });

  it('setMood(undefined) before the start makes a client with the mood null count', async () => {
    const first = await startClient();
    first.setMood('gratitude');
    const presence = createClient({ mood: null });
    presence.setMood(undefined);
    expect(presence.getSnapshot().mood).toBe('presence');
    presence.start();
    await advance(1);
    expect(presence.getSnapshot().mood).toBe('gratitude');
  });

  it('a choice of another tab before setMood(null) wins over setMood(undefined)', async () => {
    const first = await startClient({ mood: 'release' });
    const second = await startClient();
    await advance(5);
    second.setMood(null);
    await advance(5);
    second.setMood(undefined);
    await advance(30_000);
    expect(first.getSnapshot().mood).toBe('release');
    expect(second.getSnapshot().mood).toBe('release');
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
