// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { Mood, Presence } from '../../src/client/presence';
import { FakeLocks } from './locks';
import { leaderMessage, sendFromOtherTab } from './other-tab';
import { advance, api, createClient, dispatch, setHidden, startClient, stopClient } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const countAndOthers = (presence: Presence) => {
  const { data, others } = presence.getSnapshot();
  return [data?.count, others];
};

/** The service has four other sessions. It counts this browser from a heartbeat to the next leave. */
function countFourOthers() {
  api.answer = () => {
    const last = api.sent.findLast(({ path }) => path !== '/api/presence');
    return Response.json(state(last?.path === '/api/heartbeat' ? 5 : 4));
  };
}

describe('others', () => {
  it('others is null before the first answer', async () => {
    api.answer = () => problem(503);
    const presence = createClient();
    expect(presence.getSnapshot().others).toBeNull();
    presence.start();
    await advance(1);
    expect(countAndOthers(presence)).toEqual([undefined, null]);
  });

  it.each<[Mood | null, number]>([
    ['release', 2],
    [null, 3],
  ])('with a count of 3 and the mood %j, others is %i', async (mood, others) => {
    api.answer = () => Response.json(state(3));
    const presence = await startClient({ mood });
    expect(presence.getSnapshot().others).toBe(others);
  });

  it.each(['release', null] as const)(
    'others is 0 for a count of 0, which does not include this browser, with the mood %j',
    async (mood) => {
      api.answer = () => Response.json(state(0));
      expect(countAndOthers(await startClient({ mood }))).toEqual([0, 0]);
    },
  );

  it.each<[Mood | null, number]>([
    ['release', 8],
    [null, 9],
  ])('with the mood %j, a live socket message with a count of 9 sets others to %i', async (mood, others) => {
    vi.stubGlobal('WebSocket', FakeSocket);
    const presence = await startClient({ live: true, mood });
    sockets[0]?.open();
    sockets[0]?.receive(state(7));
    sockets[0]?.receive(state(9));
    expect(countAndOthers(presence)).toEqual([9, others]);
  });

  it('the message of a leader sets the others of a follower', async () => {
    const locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
    const presence = await startClient();
    locks.take();
    await advance(1);
    await sendFromOtherTab(leaderMessage());
    expect(countAndOthers(presence)).toEqual([7, 6]);
  });

  it('a follower that only watches shows the whole count as others', async () => {
    vi.stubGlobal('navigator', { locks: new FakeLocks(), userAgent: '', webdriver: false });
    api.answer = () => Response.json(state(3));
    const follower = await startClient({ mood: null });
    await startClient({ mood: null });
    await advance(1);
    api.sent.length = 0;
    api.answer = () => Response.json(state(5));
    await advance(12_000);
    expect(api.paths()).toEqual(['presence']);
    expect(countAndOthers(follower)).toEqual([5, 5]);
  });

  it('setMood(null) does not change others while the shown data still counts this browser', async () => {
    countFourOthers();
    const presence = await startClient();
    api.delayMs = 100;
    presence.setMood(null);
    for (const ms of [0, 50, 49]) {
      await advance(ms);
      expect(presence.getSnapshot().mood).toBeNull();
      expect(countAndOthers(presence)).toEqual([5, 4]);
    }
    await advance(100);
    expect(countAndOthers(presence)).toEqual([4, 4]);
  });

  it('setMood from null to a mood does not change others while the shown data lacks this browser', async () => {
    countFourOthers();
    const presence = await startClient({ mood: null });
    api.delayMs = 100;
    presence.setMood('release');
    for (const ms of [0, 50]) {
      await advance(ms);
      expect(presence.getSnapshot().mood).toBe('release');
      expect(countAndOthers(presence)).toEqual([4, 4]);
    }
    await advance(100);
    expect(countAndOthers(presence)).toEqual([5, 4]);
  });

  it.each([0, 1, 99, 101, 150, 199, 201, 250, 400])(
    'others is the same in every snapshot while the mood alternates with null every %i ms',
    async (gapMs) => {
      countFourOthers();
      const presence = await startClient();
      const shown = new Set<number | null>();
      const statuses = new Set<string>();
      presence.subscribe(({ others, status }) => {
        shown.add(others);
        statuses.add(status);
      });
      api.delayMs = 100;
      for (const mood of [null, 'release', 'presence', null, null, 'gratitude', null] as const) {
        presence.setMood(mood);
        await advance(gapMs);
      }
      await advance(30_000);
      expect(countAndOthers(presence)).toEqual([4, 4]);
      expect(statuses).toContain('stale');
      expect(shown).toEqual(new Set([4]));
    },
  );

  it.each<[string, (presence: Presence) => unknown, string]>([
    ['the service answers 503', () => advance(12_000), 'stale'],
    ['the client stops', (presence) => stopClient(presence), 'idle'],
    ['the page fires pagehide', () => dispatch('pagehide'), 'stale'],
    ['a page with whenHidden: leave is hidden', () => setHidden(true), 'stale'],
  ])('others stays with the data when %s', async (_, act, status) => {
    countFourOthers();
    const presence = await startClient({ whenHidden: 'leave' });
    api.answer = () => problem(503);
    await act(presence);
    expect(presence.getSnapshot().status).toBe(status);
    expect(countAndOthers(presence)).toEqual([5, 4]);
  });

  it('others stays with the data when a stopped client chooses the mood null and starts again', async () => {
    countFourOthers();
    const presence = await startClient();
    await stopClient(presence);
    presence.setMood(null);
    expect(countAndOthers(presence)).toEqual([5, 4]);
    api.delayMs = 100;
    presence.start();
    await advance(50);
    expect(countAndOthers(presence)).toEqual([5, 4]);
    await advance(100);
    expect(countAndOthers(presence)).toEqual([4, 4]);
  });

  it('a tab that only watches counts another tab of its browser as one of the others', async () => {
    countFourOthers();
    await startClient();
    expect(countAndOthers(await startClient({ mood: null }))).toEqual([5, 5]);
  });

  it('a robot shows the whole count as others', async () => {
    vi.stubGlobal('navigator', { webdriver: true, userAgent: '' });
    api.answer = () => Response.json(state(3));
    expect(countAndOthers(await startClient({ robots: undefined, mood: 'release' }))).toEqual([3, 3]);
  });
});
