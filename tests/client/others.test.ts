// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { Mood, Presence } from '../../src/client/presence';
import { FakeLocks } from './locks';
import { fromLeader, send } from './other-tab';
import { api, create, dispatch, passed, present, setHidden, stopped } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const shownBy = (presence: Presence) => {
  const { data, others } = presence.getSnapshot();
  return [data?.count, others];
};

/** A service with four other sessions. It counts this browser from the arrival of a heartbeat to the arrival of a leave. */
function countFourOthers() {
  api.answer = () => {
    const last = api.sent.findLast(({ path }) => path !== '/api/presence');
    return Response.json(state(last?.path === '/api/heartbeat' ? 5 : 4));
  };
}

describe('others', () => {
  it('others is null before the first answer', async () => {
    api.answer = () => problem(503);
    const presence = create();
    expect(presence.getSnapshot().others).toBeNull();
    presence.start();
    await passed(1);
    expect(shownBy(presence)).toEqual([undefined, null]);
  });

  it.each<[Mood | null, number]>([
    ['release', 2],
    [null, 3],
  ])('with a count of 3 and the mood %j, others is %i', async (mood, others) => {
    api.answer = () => Response.json(state(3));
    const presence = await present({ mood });
    expect(presence.getSnapshot().others).toBe(others);
  });

  it.each(['release', null] as const)(
    'others is 0 with a count of 0 that came before this browser was counted, and the mood %j',
    async (mood) => {
      api.answer = () => Response.json(state(0));
      expect(shownBy(await present({ mood }))).toEqual([0, 0]);
    },
  );

  it.each<[Mood | null, number]>([
    ['release', 8],
    [null, 9],
  ])(
    'a message of the live socket sets others: with a count of 9 and the mood %j to %i',
    async (mood, others) => {
      vi.stubGlobal('WebSocket', FakeSocket);
      const presence = await present({ live: true, mood });
      sockets[0]?.open();
      sockets[0]?.receive(state(7));
      sockets[0]?.receive(state(9));
      expect(shownBy(presence)).toEqual([9, others]);
    },
  );

  it('the message of a leader sets others of a tab that follows', async () => {
    const locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
    const presence = await present();
    locks.take();
    await passed(1);
    await send(fromLeader());
    expect(shownBy(presence)).toEqual([7, 6]);
  });

  it('of two tabs that only watch, the one that follows shows the whole count as others', async () => {
    vi.stubGlobal('navigator', { locks: new FakeLocks(), userAgent: '', webdriver: false });
    api.answer = () => Response.json(state(3));
    const follower = await present({ mood: null });
    await present({ mood: null });
    await passed(1);
    api.sent.length = 0;
    api.answer = () => Response.json(state(5));
    await passed(12_000);
    expect(api.paths()).toEqual(['presence']);
    expect(shownBy(follower)).toEqual([5, 5]);
  });

  it('setMood(null) leaves others as it is, because the data that is shown still counts this browser', async () => {
    countFourOthers();
    const presence = await present();
    api.delayMs = 100;
    presence.setMood(null);
    for (const ms of [0, 50, 100]) {
      await passed(ms);
      expect(presence.getSnapshot().mood).toBeNull();
      expect(shownBy(presence)).toEqual([5, 4]);
    }
    await passed(100);
    expect(shownBy(presence)).toEqual([4, 4]);
  });

  it('setMood from null leaves others as it is, because the data that is shown does not count this browser', async () => {
    countFourOthers();
    const presence = await present({ mood: null });
    api.delayMs = 100;
    presence.setMood('release');
    for (const ms of [0, 50]) {
      await passed(ms);
      expect(presence.getSnapshot().mood).toBe('release');
      expect(shownBy(presence)).toEqual([4, 4]);
    }
    await passed(100);
    expect(shownBy(presence)).toEqual([5, 4]);
  });

  it.each([0, 1, 99, 101, 150, 199, 201, 250, 400])(
    'others is the same in every snapshot of a browser that watches and counts by turns, every %i ms',
    async (gapMs) => {
      countFourOthers();
      const presence = await present();
      const shown = new Set<number | null>();
      const statuses = new Set<string>();
      presence.subscribe(({ others, status }) => {
        shown.add(others);
        statuses.add(status);
      });
      api.delayMs = 100;
      for (const mood of [null, 'release', 'presence', null, null, 'gratitude', null] as const) {
        presence.setMood(mood);
        await passed(gapMs);
      }
      await passed(30_000);
      expect(shownBy(presence)).toEqual([4, 4]);
      expect(statuses).toContain('stale');
      expect(shown).toEqual(new Set([4]));
    },
  );

  it.each<[string, (presence: Presence) => unknown, string]>([
    ['the service does not answer', () => passed(12_000), 'stale'],
    ['the client stops', (presence) => stopped(presence), 'idle'],
    ['the page goes', () => dispatch('pagehide'), 'stale'],
    ['a page that leaves while it is hidden is hidden', () => setHidden(true), 'stale'],
  ])('others stays with the data when %s', async (_, act, status) => {
    countFourOthers();
    const presence = await present({ whenHidden: 'leave' });
    api.answer = () => problem(503);
    await act(presence);
    expect(presence.getSnapshot().status).toBe(status);
    expect(shownBy(presence)).toEqual([5, 4]);
  });

  it('others stays with the data when an absent tab chooses to watch, and when it starts again', async () => {
    countFourOthers();
    const presence = await present();
    await stopped(presence);
    presence.setMood(null);
    expect(shownBy(presence)).toEqual([5, 4]);
    api.delayMs = 100;
    presence.start();
    await passed(50);
    expect(shownBy(presence)).toEqual([5, 4]);
    await passed(100);
    expect(shownBy(presence)).toEqual([4, 4]);
  });

  it('in a tab that only watches, another tab of this browser that counts is one of the others', async () => {
    countFourOthers();
    await present();
    expect(shownBy(await present({ mood: null }))).toEqual([5, 5]);
  });

  it('a robot is not part of the count, so all of the count are others', async () => {
    vi.stubGlobal('navigator', { webdriver: true, userAgent: '' });
    api.answer = () => Response.json(state(3));
    expect(shownBy(await present({ robots: undefined, mood: 'release' }))).toEqual([3, 3]);
  });
});
