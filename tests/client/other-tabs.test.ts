// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { api, dispatch, heartbeats, ID, page, passed, present, setHidden } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';

const { setImmediate } = globalThis;
/** Another tab sends news; or null when it quits. */
async function receive(message: object | null) {
  const other = new BroadcastChannel('presence 2 https://presence.example visit');
  other.postMessage(message);
  // Channels deliver by the event loop of Node, which the fake timers don't advance.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  other.close();
}

const news = ({ visit = {}, ...changed }: { visit?: object; [key: string]: unknown } = {}) => ({
  state: state(7),
  isFailing: false,
  visit: { id: ID, mood: 'presence', choice: 0, ...visit },
  aheadMs: 5_000,
  errorMs: 1,
  intervalMs: 10_000,
  retryInMs: 0,
  dueMs: 10_000,
  ...changed,
});

/** The session ids that a socket has sent: the room closes one that sends two. */
const idsSentBy = (socket: FakeSocket | undefined) =>
  new Set(socket?.sent.filter((text) => text !== 'ping').map((text) => JSON.parse(text).sessionId));
const moodsSentBy = (socket: FakeSocket | undefined) =>
  socket?.sent.filter((text) => text !== 'ping').map((text) => JSON.parse(text).mood);

/** A tab that follows: another one has taken the lead. */
async function follower() {
  const presence = await present();
  locks.take();
  await passed(1);
  return presence;
}

let locks: FakeLocks;
function useLocks() {
  locks = new FakeLocks();
  vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
}

describe('the news of the leader', () => {
  beforeEach(useLocks);

  it('are the snapshot, the clock and the mood of the other tabs', async () => {
    const presence = await follower();
    await receive(news({ visit: { mood: 'release', choice: Date.now() + 1 } }));
    expect(presence.getSnapshot()).toMatchObject({
      status: 'live',
      data: { count: 7 },
      error: null,
      mood: 'release',
    });
    expect(presence.serverNow()).toBeCloseTo(Date.now() + 5_000, -1);
    await passed(30_000);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID, mood: 'release' });
  });

  it('without a state leave the last number, as stale, and its Retry-After holds', async () => {
    const presence = await follower();
    await receive(news({ state: null, isFailing: true, retryInMs: 60_000, dueMs: 30_000 }));
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    await passed(59_900);
    expect(heartbeats()).toBe(1);
    await passed(200);
    expect(heartbeats()).toBe(2);
  });

  it('set the time after which another tab takes the lead: the interval of the service', async () => {
    await follower();
    await receive(news({ intervalMs: 2_000, dueMs: 2_000 }));
    await passed(4_500);
    expect(heartbeats()).toBe(1);
    await passed(1_000);
    expect(heartbeats()).toBe(2);
  });

  it('that repeat a state are no change', async () => {
    const presence = await follower();
    const message = news();
    await receive(message);
    const snapshot = presence.getSnapshot();
    await receive({ ...message, dueMs: 5_000 });
    expect(presence.getSnapshot()).toBe(snapshot);
  });

  it('before its first answer leave the number of the other tabs', async () => {
    const presence = await follower();
    const snapshot = presence.getSnapshot();
    await receive(news({ state: null }));
    expect(presence.getSnapshot()).toBe(snapshot);
  });

  it('with another id end the session that this tab has started', async () => {
    await follower();
    localStorage.clear();
    await receive(news({ visit: { id: OTHER } }));
    await receive(news({ visit: { id: OTHER } }));
    await passed(1);
    expect(api.sent.slice(1)).toMatchObject([{ path: '/api/leave', body: { sessionId: ID } }]);
  });

  it('with another id make two tabs one session, after an outage that outlived the visit', async () => {
    await follower();
    localStorage.clear();
    await receive(news({ visit: { id: OTHER } }));
    await passed(30_000);
    expect(api.sent.at(-1)?.body).toMatchObject({ sessionId: OTHER });
  });
});

describe('the id on a socket', () => {
  beforeEach(() => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  });

  it('stays when another tab sends another id, and the mood of that tab holds', async () => {
    const presence = await present();
    sockets[0]?.open();
    await receive(news({ visit: { id: OTHER, mood: 'release', choice: Date.now() + 1 } }));
    presence.setMood('connection');
    expect(moodsSentBy(sockets[0])).toEqual(['presence', 'release', 'connection']);
    expect(idsSentBy(sockets[0])).toEqual(new Set([ID]));
  });

  it('is another one on the socket of a page that comes back in another visit', async () => {
    await present();
    sockets[0]?.open();
    dispatch('pagehide');
    await passed(60_000);
    dispatch('pageshow');
    await passed(1);
    sockets[1]?.open();
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.readyState).toBe(3);
    expect(idsSentBy(sockets[0]).size).toBe(1);
    expect(idsSentBy(sockets[1]).size).toBe(1);
    expect(idsSentBy(sockets[1])).not.toEqual(idsSentBy(sockets[0]));
  });
});

describe('without locks, where each tab leads,', () => {
  it('a tab that quits for all is followed by two heartbeats of the others', async () => {
    await present();
    await receive(null);
    await passed(1);
    expect(heartbeats()).toBe(2);
    await passed(1_001);
    expect(heartbeats()).toBe(3);
  });

  it('a tab that quits does not break Retry-After', async () => {
    api.answer = () => problem(503, { 'Retry-After': '60' });
    await present();
    await receive(null);
    await passed(59_000);
    expect(heartbeats()).toBe(1);
    await passed(10_000);
    expect(heartbeats()).toBe(2);
  });
});

describe('with locks', () => {
  beforeEach(() => {
    useLocks();
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
    await receive(news());
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 } });
    expect(sockets).toEqual([]);
  });

  it('a hidden tab takes the lead only when the news are late', async () => {
    locks.take();
    page.hidden = true;
    await present();
    await receive(news());
    await receive(null);
    await passed(13_000);
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
    void locks.request('presence 2 https://presence.example visit', {}, async () => {});
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
