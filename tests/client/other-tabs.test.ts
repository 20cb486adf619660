// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { leaderMessage, otherVisit, receivedByOtherTabs, sendFromOtherTab } from './other-tab';
import { advance, api, dispatch, heartbeats, ID, startClient } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';
const THIRD = '1d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';

/** The session ids that a socket has sent. The room closes a socket that sends two. */
const idsSentBy = (socket: FakeSocket | undefined) =>
  new Set(socket?.sent.filter((text) => text !== 'ping').map((text) => JSON.parse(text).sessionId));
const moodsSentBy = (socket: FakeSocket | undefined) =>
  socket?.sent.filter((text) => text !== 'ping').map((text) => JSON.parse(text).mood);

/** Starts a client, and another tab takes the lead. */
async function startFollower() {
  const presence = await startClient();
  locks.take();
  await advance(1);
  return presence;
}

let locks: FakeLocks;
function useLocks() {
  locks = new FakeLocks();
  vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
}

describe('the message of a leader', () => {
  beforeEach(useLocks);

  it('a follower adopts the state, the clock and the mood in the message of a leader', async () => {
    const presence = await startFollower();
    await sendFromOtherTab(leaderMessage({ mood: 'release', choice: Date.now() + 1 }));
    expect(presence.getSnapshot()).toMatchObject({
      status: 'live',
      data: { count: 7 },
      error: null,
      mood: 'release',
    });
    expect(presence.serverNow()).toBeCloseTo(Date.now() + 5_000, -1);
    await advance(30_000);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID, mood: 'release' });
  });

  it('a message without a state makes a follower stale, and its Retry-After holds', async () => {
    const presence = await startFollower();
    await sendFromOtherTab(
      leaderMessage({}, { state: null, isFailing: true, retryInMs: 60_000, dueMs: 30_000 }),
    );
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    await advance(59_900);
    expect(heartbeats()).toBe(1);
    await advance(200);
    expect(heartbeats()).toBe(2);
  });

  it('a follower takes the lead 1.5 intervals of the service after a message was due', async () => {
    await startFollower();
    await sendFromOtherTab(leaderMessage({}, { intervalMs: 2_000, dueMs: 2_000 }));
    await advance(4_500);
    expect(heartbeats()).toBe(1);
    await advance(1_000);
    expect(heartbeats()).toBe(2);
  });

  it('a message that repeats a state does not change the snapshot', async () => {
    const presence = await startFollower();
    const message = leaderMessage();
    await sendFromOtherTab(message);
    const snapshot = presence.getSnapshot();
    await sendFromOtherTab({ ...message, leader: { ...message.leader, dueMs: 5_000 } });
    expect(presence.getSnapshot()).toBe(snapshot);
  });

  it('the message of a leader without an answer does not change the snapshot of a follower', async () => {
    const presence = await startFollower();
    const snapshot = presence.getSnapshot();
    await sendFromOtherTab(leaderMessage({}, { state: null }));
    expect(presence.getSnapshot()).toBe(snapshot);
  });
});

describe('tabs with different visits', () => {
  beforeEach(useLocks);

  it('a tab that has lost the lead adopts the older visit, and its own session leaves 1 s later', async () => {
    await startFollower();
    localStorage.clear();
    await sendFromOtherTab(leaderMessage({ id: OTHER }));
    await sendFromOtherTab(leaderMessage({ id: OTHER }));
    await advance(900);
    expect(api.paths()).toEqual(['heartbeat']);
    await advance(200);
    expect(api.sent.slice(1)).toMatchObject([{ path: '/api/leave', body: { sessionId: ID } }]);
  });

  it('a follower keeps its own session while the service does not count the older visit', async () => {
    await startFollower();
    localStorage.clear();
    await sendFromOtherTab(leaderMessage({ id: OTHER }, { state: null, isFailing: true }));
    await advance(5_000);
    expect(api.paths()).toEqual(['heartbeat']);
    await sendFromOtherTab(leaderMessage({ id: OTHER }));
    await advance(1_001);
    expect(api.sent.slice(1)).toMatchObject([{ path: '/api/leave', body: { sessionId: ID } }]);
  });

  it('a leader keeps its own session while the service refuses the older visit', async () => {
    await startClient();
    localStorage.clear();
    api.answer = () => problem(429, { 'Retry-After': '20' });
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER }) });
    await advance(15_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
    api.answer = () => Response.json(state());
    await advance(9_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat', 'leave']);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID });
  });

  it('a leader with a heartbeat under way keeps its session while the service refuses the older visit', async () => {
    api.delayMs = 500;
    await startClient();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER }) });
    await advance(500);
    api.answer = () => problem(429, { 'Retry-After': '20' });
    await advance(15_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
  });

  it('a leader whose id is replaced twice before an answer sends a leave for both ids', async () => {
    await startClient();
    localStorage.clear();
    api.delayMs = 500;
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER, since: 2 }) });
    await advance(100);
    await sendFromOtherTab({ visit: otherVisit({ id: THIRD, since: 1 }) });
    await advance(2_500);
    const left = api.sent.filter(({ path }) => path === '/api/leave').map(({ body }) => body?.['sessionId']);
    expect(left).toEqual([ID, OTHER]);
  });

  it('a leader adopts the older visit at once', async () => {
    await startClient();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER }) });
    await advance(1);
    expect(api.sent.at(-1)?.body).toMatchObject({ sessionId: OTHER });
  });

  it('a leader with a heartbeat under way sends the id of the older visit after the answer', async () => {
    api.delayMs = 500;
    await startClient();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER }) });
    await advance(400);
    expect(heartbeats()).toBe(1);
    await advance(200);
    expect(api.sent[1]?.body).toMatchObject({ sessionId: OTHER });
  });

  it('a follower with the older visit sends it to the leader, and keeps it', async () => {
    await startFollower();
    await sendFromOtherTab(leaderMessage({ id: OTHER, since: Date.now() + 60_000 }));
    expect(receivedByOtherTabs.at(-1)).toEqual({ visit: expect.objectContaining({ id: ID }) });
    await advance(30_000);
    expect(api.sent.map(({ body }) => body?.['sessionId'])).toEqual([ID, ID]);
  });

  it('a follower does not answer a leader with the older visit and the later choice', async () => {
    await startFollower();
    const before = receivedByOtherTabs.length;
    await sendFromOtherTab(leaderMessage({ id: OTHER, mood: 'release', choice: Date.now() + 60_000 }));
    expect(receivedByOtherTabs).toHaveLength(before);
  });

  it('a follower does not answer another follower', async () => {
    // Otherwise many tabs answer each other.
    await startFollower();
    const before = receivedByOtherTabs.length;
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER, since: Date.now() + 60_000 }) });
    expect(receivedByOtherTabs).toHaveLength(before);
  });

  it('a leader sends the later choice of another tab at once', async () => {
    await startClient();
    const { since } = JSON.parse(Object.values(localStorage)[0]);
    await sendFromOtherTab({ visit: otherVisit({ since, mood: 'release', choice: Date.now() + 1 }) });
    await advance(1);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID, mood: 'release' });
  });

  it('a leader with a socket hands its session over, and ends it when the service counts the older visit', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    await startClient();
    sockets[0]?.open();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER }) });
    await advance(1);
    sockets[1]?.open();
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: 4_000 });
    expect(sockets.map((socket) => [...idsSentBy(socket)])).toEqual([[ID], [OTHER]]);
    await advance(1_001);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'leave']);
    expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID });
  });

  it('a leader with live sockets whose id is replaced twice sends a leave for both ids', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    await startClient();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: OTHER, since: 2 }) });
    await advance(1_500);
    sockets.at(-1)?.open();
    localStorage.clear();
    await sendFromOtherTab({ visit: otherVisit({ id: THIRD, since: 1 }) });
    await advance(1_500);
    const left = api.sent.filter(({ path }) => path === '/api/leave').map(({ body }) => body?.['sessionId']);
    expect(left).toEqual([ID, OTHER]);
  });
});

describe('live sockets', () => {
  beforeEach(() => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  });

  it('a live socket sends the mood that another tab has chosen', async () => {
    const presence = await startClient();
    sockets[0]?.open();
    const { since } = JSON.parse(Object.values(localStorage)[0]);
    await sendFromOtherTab(leaderMessage({ since, mood: 'release', choice: Date.now() + 1 }));
    presence.setMood('connection');
    expect(moodsSentBy(sockets[0])).toEqual(['presence', 'release', 'connection']);
    expect(idsSentBy(sockets[0])).toEqual(new Set([ID]));
  });

  it('a page that returns in another visit opens a live socket with another id', async () => {
    await startClient();
    sockets[0]?.open();
    dispatch('pagehide');
    await advance(60_000);
    dispatch('pageshow');
    await advance(1);
    sockets[1]?.open();
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.readyState).toBe(3);
    expect(idsSentBy(sockets[0]).size).toBe(1);
    expect(idsSentBy(sockets[1]).size).toBe(1);
    expect(idsSentBy(sockets[1])).not.toEqual(idsSentBy(sockets[0]));
  });
});

describe('tabs without locks', () => {
  it('a tab without locks sends two heartbeats after another tab quits', async () => {
    await startClient();
    await sendFromOtherTab(null);
    await advance(1);
    expect(heartbeats()).toBe(2);
    await advance(1_001);
    expect(heartbeats()).toBe(3);
  });

  it('a tab that quits does not end the Retry-After of another tab', async () => {
    api.answer = () => problem(503, { 'Retry-After': '60' });
    await startClient();
    await sendFromOtherTab(null);
    await advance(59_000);
    expect(heartbeats()).toBe(1);
    await advance(10_000);
    expect(heartbeats()).toBe(2);
  });
});
