// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { leaderMessage, sendFromOtherTab } from './other-tab';
import { advance, api, dispatch, GROUP, heartbeats, page, setHidden, startClient } from './page';
import { state } from './service';
import { FakeSocket, sockets } from './socket';

let locks: FakeLocks;

describe('locks', () => {
  beforeEach(() => {
    locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  });

  it('a hidden tab waits for the lock, and leads when another tab releases it', async () => {
    const release = locks.take();
    page.hidden = true;
    await startClient();
    expect(heartbeats()).toBe(0);
    release();
    await advance(1);
    expect(heartbeats()).toBe(1);
  });

  it('a follower opens no live socket', async () => {
    locks.take();
    page.hidden = true;
    const presence = await startClient();
    await sendFromOtherTab(leaderMessage());
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 } });
    expect(sockets).toEqual([]);
  });

  it('a hidden tab takes the lead only if the message of the leader is late', async () => {
    locks.take();
    page.hidden = true;
    await startClient();
    await sendFromOtherTab(leaderMessage());
    await advance(23_000);
    expect(heartbeats()).toBe(0);
    await advance(4_000);
    expect(heartbeats()).toBe(1);
  });

  it('a tab that quits shortens the wait of a hidden tab to 1.5 intervals, and a second one does not extend it', async () => {
    // The next leader may be frozen.
    locks.take();
    page.hidden = true;
    await startClient();
    await sendFromOtherTab(leaderMessage());
    await sendFromOtherTab(null);
    await advance(13_000);
    await sendFromOtherTab(null);
    expect(heartbeats()).toBe(0);
    await advance(4_000);
    expect(heartbeats()).toBe(1);
  });

  it('a leader that loses the lead hands its session over, even on a connecting socket', async () => {
    await startClient();
    const [connecting] = sockets;
    locks.take();
    await advance(1);
    connecting?.open();
    expect(connecting).toMatchObject({ readyState: 3, closeCode: 4_000, sent: [] });
  });

  it('a leader hands its socket over at pagehide, and sends no leave while another tab waits', async () => {
    await startClient();
    sockets[0]?.open();
    void locks.request(GROUP, {}, async () => {});
    await advance(11_000);
    dispatch('pagehide');
    await advance(1);
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: 4_000 });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a tab requests the lock again if a request gets no answer', async () => {
    locks.take();
    page.hidden = true;
    await startClient();
    const { request } = locks;
    let requests = 0;
    Object.assign(locks, {
      request: () => {
        requests += 1;
        return new Promise(() => {});
      },
    });
    setHidden(false);
    await advance(60_000);
    expect(requests).toBeGreaterThanOrEqual(3);
    Object.assign(locks, { request });
  });

  it('six tabs that open at the same moment send one id', async () => {
    page.hidden = true;
    await Promise.all(Array.from({ length: 6 }, () => startClient()));
    for (let tab = 0; tab < 6; tab++) {
      await advance(20_000);
      locks.take()();
    }
    await advance(1);
    expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
    expect(heartbeats()).toBeGreaterThan(6);
  });
});
