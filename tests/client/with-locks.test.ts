// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { fromLeader, send } from './other-tab';
import { api, dispatch, GROUP, heartbeats, page, passed, present, setHidden } from './page';
import { state } from './service';
import { FakeSocket, sockets } from './socket';

let locks: FakeLocks;

describe('with locks', () => {
  beforeEach(() => {
    locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  });

  it('a hidden tab waits for the lead, and a visible one takes it', async () => {
    const release = locks.take();
    page.hidden = true;
    await present();
    expect(heartbeats()).toBe(0);
    release();
    await passed(1);
    expect(heartbeats()).toBe(1);
  });

  it('a tab that waits opens no socket, though the leader has one', async () => {
    locks.take();
    page.hidden = true;
    const presence = await present();
    await send(fromLeader());
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 } });
    expect(sockets).toEqual([]);
  });

  it('a hidden tab takes the lead only when the message of the leader is late', async () => {
    locks.take();
    page.hidden = true;
    await present();
    await send(fromLeader());
    await passed(23_000);
    expect(heartbeats()).toBe(0);
    await passed(4_000);
    expect(heartbeats()).toBe(1);
  });

  it('a hidden tab waits no longer, and not as long, when another tab quits: the next leader may be frozen', async () => {
    locks.take();
    page.hidden = true;
    await present();
    await send(fromLeader());
    await send(null);
    await passed(13_000);
    await send(null);
    expect(heartbeats()).toBe(0);
    await passed(4_000);
    expect(heartbeats()).toBe(1);
  });

  it('a leader that loses the lead hands its session over, also on a socket that is not open yet', async () => {
    await present();
    const [connecting] = sockets;
    locks.take();
    await passed(1);
    connecting?.open();
    expect(connecting).toMatchObject({ readyState: 3, closeCode: 4_000, sent: [] });
  });

  it('a leader whose page goes while another tab waits sends no leave, and hands its socket over', async () => {
    await present();
    sockets[0]?.open();
    void locks.request(GROUP, {}, async () => {});
    await passed(11_000);
    dispatch('pagehide');
    await passed(1);
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: 4_000 });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a tab that asks for the lead in vain asks again', async () => {
    locks.take();
    page.hidden = true;
    await present();
    const { request } = locks;
    let asked = 0;
    Object.assign(locks, {
      request: () => {
        asked += 1;
        return new Promise(() => {});
      },
    });
    setHidden(false);
    await passed(60_000);
    expect(asked).toBeGreaterThanOrEqual(3);
    Object.assign(locks, { request });
  });

  it('six tabs that open at once send one id', async () => {
    page.hidden = true;
    await Promise.all(Array.from({ length: 6 }, () => present()));
    for (let tab = 0; tab < 6; tab++) {
      await passed(20_000);
      locks.take()();
    }
    await passed(1);
    expect(new Set(api.sent.map(({ body }) => body?.['sessionId'])).size).toBe(1);
    expect(heartbeats()).toBeGreaterThan(6);
  });
});
