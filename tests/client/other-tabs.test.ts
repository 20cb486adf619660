// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { fromLeader, received, send, visitOf } from './other-tab';
import { api, dispatch, heartbeats, ID, passed, present } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';
const THIRD = '1d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';

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

describe('the message of a leader', () => {
  beforeEach(useLocks);

  it('has the state, the clock and the mood of its followers', async () => {
    const presence = await follower();
    await send(fromLeader({ mood: 'release', choice: Date.now() + 1 }));
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

  it('without a state makes the state of a follower stale, and its Retry-After holds', async () => {
    const presence = await follower();
    await send(fromLeader({}, { state: null, isFailing: true, retryInMs: 60_000, dueMs: 30_000 }));
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    await passed(59_900);
    expect(heartbeats()).toBe(1);
    await passed(200);
    expect(heartbeats()).toBe(2);
  });

  it('sets the time after which a follower takes the lead: 1.5 intervals of the service', async () => {
    await follower();
    await send(fromLeader({}, { intervalMs: 2_000, dueMs: 2_000 }));
    await passed(4_500);
    expect(heartbeats()).toBe(1);
    await passed(1_000);
    expect(heartbeats()).toBe(2);
  });

  it('that repeats a state does not change the snapshot', async () => {
    const presence = await follower();
    const message = fromLeader();
    await send(message);
    const snapshot = presence.getSnapshot();
    await send({ ...message, leader: { ...message.leader, dueMs: 5_000 } });
    expect(presence.getSnapshot()).toBe(snapshot);
  });

  it('before its first answer does not change the snapshot of a follower', async () => {
    const presence = await follower();
    const snapshot = presence.getSnapshot();
    await send(fromLeader({}, { state: null }));
    expect(presence.getSnapshot()).toBe(snapshot);
  });
});

describe('of two tabs with different visits', () => {
  beforeEach(useLocks);

  it('the one that leads no longer adopts the older visit, and its own session leaves 1 s later', async () => {
    await follower();
    localStorage.clear();
    await send(fromLeader({ id: OTHER }));
    await send(fromLeader({ id: OTHER }));
    await passed(900);
    expect(api.paths()).toEqual(['heartbeat']);
    await passed(200);
    expect(api.sent.slice(1)).toMatchObject([{ path: '/api/leave', body: { sessionId: ID } }]);
  });

  it('a follower keeps its own session while the service does not count the older visit', async () => {
    await follower();
    localStorage.clear();
    await send(fromLeader({ id: OTHER }, { state: null, isFailing: true }));
    await passed(5_000);
    expect(api.paths()).toEqual(['heartbeat']);
    await send(fromLeader({ id: OTHER }));
    await passed(1_001);
    expect(api.sent.slice(1)).toMatchObject([{ path: '/api/leave', body: { sessionId: ID } }]);
  });

  it('a leader keeps its own session while the service refuses the older visit', async () => {
    await present();
    localStorage.clear();
    api.answer = () => problem(429, { 'Retry-After': '20' });
    await send({ visit: visitOf({ id: OTHER }) });
    await passed(15_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
    api.answer = () => Response.json(state());
    await passed(9_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat', 'leave']);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID });
  });

  it('a leader whose heartbeat is under way keeps its own session too while the service refuses the older visit', async () => {
    api.delayMs = 500;
    await present();
    localStorage.clear();
    await send({ visit: visitOf({ id: OTHER }) });
    await passed(500);
    api.answer = () => problem(429, { 'Retry-After': '20' });
    await passed(15_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
  });

  it('a tab that is replaced twice before an answer leaves with both ids', async () => {
    await present();
    localStorage.clear();
    api.delayMs = 500;
    await send({ visit: visitOf({ id: OTHER, since: 2 }) });
    await passed(100);
    await send({ visit: visitOf({ id: THIRD, since: 1 }) });
    await passed(2_500);
    const left = api.sent.filter(({ path }) => path === '/api/leave').map(({ body }) => body?.['sessionId']);
    expect(left).toEqual([ID, OTHER]);
  });

  it('a leader adopts the older visit at once', async () => {
    await present();
    localStorage.clear();
    await send({ visit: visitOf({ id: OTHER }) });
    await passed(1);
    expect(api.sent.at(-1)?.body).toMatchObject({ sessionId: OTHER });
  });

  it('a leader whose heartbeat is under way sends another one after the answer', async () => {
    api.delayMs = 500;
    await present();
    localStorage.clear();
    await send({ visit: visitOf({ id: OTHER }) });
    await passed(400);
    expect(heartbeats()).toBe(1);
    await passed(200);
    expect(api.sent[1]?.body).toMatchObject({ sessionId: OTHER });
  });

  it('a follower with the older visit sends it to the leader, and keeps it', async () => {
    await follower();
    await send(fromLeader({ id: OTHER, since: Date.now() + 60_000 }));
    expect(received.at(-1)).toEqual({ visit: expect.objectContaining({ id: ID }) });
    await passed(30_000);
    expect(api.sent.map(({ body }) => body?.['sessionId'])).toEqual([ID, ID]);
  });

  it('a follower does not answer a leader with the older visit and the later choice', async () => {
    await follower();
    const before = received.length;
    await send(fromLeader({ id: OTHER, mood: 'release', choice: Date.now() + 60_000 }));
    expect(received).toHaveLength(before);
  });

  it('a follower does not answer another follower, otherwise many tabs answer each other', async () => {
    await follower();
    const before = received.length;
    await send({ visit: visitOf({ id: OTHER, since: Date.now() + 60_000 }) });
    expect(received).toHaveLength(before);
  });

  it('a leader sends the later choice of another tab at once', async () => {
    await present();
    const { since } = JSON.parse(Object.values(localStorage)[0]);
    await send({ visit: visitOf({ since, mood: 'release', choice: Date.now() + 1 }) });
    await passed(1);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID, mood: 'release' });
  });

  it('a leader with a socket hands its session over, and ends it when the older visit counts', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    await present();
    sockets[0]?.open();
    localStorage.clear();
    await send({ visit: visitOf({ id: OTHER }) });
    await passed(1);
    sockets[1]?.open();
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: 4_000 });
    expect(sockets.map((socket) => [...idsSentBy(socket)])).toEqual([[ID], [OTHER]]);
    await passed(1_001);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'leave']);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID });
  });

  it('a leader that is replaced twice leaves with both ids', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    await present();
    localStorage.clear();
    await send({ visit: visitOf({ id: OTHER, since: 2 }) });
    await passed(1_500);
    sockets.at(-1)?.open();
    localStorage.clear();
    await send({ visit: visitOf({ id: THIRD, since: 1 }) });
    await passed(1_500);
    const left = api.sent.filter(({ path }) => path === '/api/leave').map(({ body }) => body?.['sessionId']);
    expect(left).toEqual([ID, OTHER]);
  });
});

describe('a socket', () => {
  beforeEach(() => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  });

  it('sends the mood that another tab has chosen', async () => {
    const presence = await present();
    sockets[0]?.open();
    const { since } = JSON.parse(Object.values(localStorage)[0]);
    await send(fromLeader({ since, mood: 'release', choice: Date.now() + 1 }));
    presence.setMood('connection');
    expect(moodsSentBy(sockets[0])).toEqual(['presence', 'release', 'connection']);
    expect(idsSentBy(sockets[0])).toEqual(new Set([ID]));
  });

  it('of a page that comes back in another visit has another id', async () => {
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
  it('a tab sends two heartbeats after another tab quits', async () => {
    await present();
    await send(null);
    await passed(1);
    expect(heartbeats()).toBe(2);
    await passed(1_001);
    expect(heartbeats()).toBe(3);
  });

  it('a tab that quits does not break Retry-After', async () => {
    api.answer = () => problem(503, { 'Retry-After': '60' });
    await present();
    await send(null);
    await passed(59_000);
    expect(heartbeats()).toBe(1);
    await passed(10_000);
    expect(heartbeats()).toBe(2);
  });
});
