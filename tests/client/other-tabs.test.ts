// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest';
import { api, beats, ID, page, passed, present, show } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';

const { setImmediate } = globalThis;
/** What another tab tells: nothing when it goes. */
async function hears(news?: object, group = ID) {
  const other = new BroadcastChannel(`presence https://presence.example ${group}`);
  other.postMessage(news);
  // Channels deliver by the event loop, whatever the timers say.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  other.close();
}
const news = (changed: object = {}) => ({
  data: state(7),
  sessionId: ID,
  mood: 'presence',
  moodAt: 0,
  clock: { offsetMs: 5_000, errorMs: 1 },
  hasLive: false,
  retryAt: 0,
  dueMs: 10_000,
  ...changed,
});

it('what the tab that leads tells is the snapshot, and its clock and mood are taken over', async () => {
  const presence = await present();
  await hears(news({ mood: 'release', moodAt: Date.now() + 1 }));
  expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 7 }, error: null });
  expect(presence.serverNow()).toBe(Date.now() + 5_000);
  await passed(30_000);
  expect(api.sent.at(-1)?.body).toEqual({ sessionId: ID, mood: 'release' });
});

it('where the one that leads knows nothing this one keeps its last number, as stale, and opens no socket', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  const presence = await present();
  const retryAt = Date.now() + 60_000;
  await hears(news({ data: false, hasLive: true, retryAt, dueMs: 60_000 }));
  expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
  await passed(59_000);
  expect(sockets).toEqual([]);
  expect(beats()).toBe(1);
  await hears(news({ hasLive: true }));
  expect(sockets).toHaveLength(1);
});

it('one that was told of live sockets opens none if it does not want any', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  await present({ live: false });
  await hears(news({ hasLive: true }));
  expect(sockets).toEqual([]);
});

it('an outage that outlives the id of a visit does not make two people of two tabs', async () => {
  await present({ sessionId: undefined });
  await hears(news({ sessionId: OTHER }), 'undefined');
  await passed(30_000);
  expect(api.sent.at(-1)?.body).toMatchObject({ sessionId: OTHER });
});

/** The ids that a socket has sent: the room closes one that sends two. */
const idsSentBy = (socket: FakeSocket | undefined) =>
  new Set(socket?.sent.filter((text) => text !== 'ping').map((text) => JSON.parse(text).sessionId));

it('a socket that is connecting when another tab sends another id joins with that id, and keeps it', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  const presence = await present({ sessionId: undefined });
  await hears(news({ sessionId: OTHER, hasLive: true }), 'undefined');
  sockets[0]?.open();
  presence.setMood('release');
  await hears(news({ sessionId: ID, mood: 'gratitude', moodAt: Date.now() + 1 }), 'undefined');
  expect(sockets[0]?.sent).toHaveLength(3);
  expect(idsSentBy(sockets[0])).toEqual(new Set([OTHER]));
});

it('an open socket keeps its id when another tab sends another one, and gets the mood of that tab', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  const presence = await present({ sessionId: undefined });
  sockets[0]?.open();
  await hears(news({ sessionId: OTHER, mood: 'release', moodAt: Date.now() + 1 }), 'undefined');
  presence.setMood('connection');
  const sent = (sockets[0]?.sent ?? []).map((text) => JSON.parse(text));
  expect(sent.map(({ mood }) => mood)).toEqual(['presence', 'release', 'connection']);
  expect(idsSentBy(sockets[0]).size).toBe(1);
  expect(idsSentBy(sockets[0])).not.toEqual(new Set([OTHER]));
});

it('a page that comes back after its id has run out opens another socket for the new id', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
  await present({ sessionId: undefined });
  sockets[0]?.open();
  show('pagehide');
  await passed(60_000);
  show('pageshow');
  await passed(1);
  sockets[1]?.open();
  expect(sockets).toHaveLength(2);
  expect(sockets[0]?.readyState).toBe(3);
  expect(idsSentBy(sockets[0]).size).toBe(1);
  expect(idsSentBy(sockets[1]).size).toBe(1);
  expect(idsSentBy(sockets[1])).not.toEqual(idsSentBy(sockets[0]));
});

it('a hidden one that can have no socket does not take the lead', async () => {
  const asked: unknown[] = [];
  const request = (_name: string, { steal }: LockOptions) => {
    asked.push(steal ?? false);
    return new Promise(() => {});
  };
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('navigator', { locks: { request, query: async () => ({}) } });
  page.hidden = true;
  await present();
  await hears(news({ hasLive: true }));
  sockets[0]?.close();
  await passed(10_000);
  expect(asked).toEqual([false]);
  // Nor does one that hears of another that goes.
  await hears();
  await passed(10_000);
  expect(asked).toEqual([false]);
  // But one that hears nothing any more.
  await passed(10_000);
  expect(asked).toEqual([false, true]);
});

it('beats a second after another tab without locks has left for both', async () => {
  await present();
  await hears();
  await passed(990);
  expect(beats()).toBe(1);
  await passed(20);
  expect(beats()).toBe(2);
});

it('a heartbeat under way is sent again a second after that, since the other may be heard last', async () => {
  api.delayMs = 5_000;
  await present();
  await hears();
  await passed(1_000);
  expect(beats()).toBe(2);
  expect(api.sent[0]?.init.signal?.aborted).toBe(true);
});

it('another tab that goes does not break Retry-After', async () => {
  api.answer = () => problem(503, { 'Retry-After': '60' });
  await present();
  await hears();
  await passed(59_000);
  expect(beats()).toBe(1);
  await passed(10_000);
  expect(beats()).toBe(2);
});
