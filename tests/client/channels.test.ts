// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { fromLeader, send } from './other-tab';
import { api, create, dispatch, GROUP, ID, passed, present, stopped } from './page';
import { state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';
const LOBBY = 'presence 2 https://presence.example lobby visit';

/** The requests as `path id`, in their order. */
const sent = () => api.sent.map(({ path, body }) => `${path} ${body?.['sessionId']}`);
/** The moods that were sent to a path. */
const moodsAt = (path: string) =>
  api.sent.filter((request) => request.path === path).map(({ body }) => body?.['mood']);

/** A tab of another channel stores an older visit. */
function replaceStoredVisit() {
  const [key = '', value = ''] = Object.entries(localStorage)[0] ?? [];
  localStorage[key] = JSON.stringify({ ...JSON.parse(value), id: OTHER, since: 1 });
}

describe('the addresses of a channel', () => {
  it('have its name in the heartbeat and the leave', async () => {
    await stopped(await present({ channel: 'post-7' }));
    expect(api.sent.map(({ path }) => path)).toEqual([
      '/api/channels/post-7/heartbeat',
      '/api/channels/post-7/leave',
    ]);
  });

  it('have its name in the request of a client that only watches', async () => {
    await present({ channel: 'post-7', mood: null });
    expect(api.sent.map(({ path }) => path)).toEqual(['/api/channels/post-7/presence']);
  });

  it('have its name in the leave of a page that goes', async () => {
    await present({ channel: 'post-7' });
    dispatch('pagehide');
    expect(api.sent.at(-1)?.path).toBe('/api/channels/post-7/leave');
  });

  it('have its name in the live socket', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    await present({ channel: 'post-7', live: true });
    expect(sockets.map(({ url }) => url)).toEqual(['wss://presence.example/api/channels/post-7/live']);
  });

  it.each([undefined, ''])('have no name with the channel %j', async (channel) => {
    vi.stubGlobal('WebSocket', FakeSocket);
    const presence = await present({ channel, live: true });
    expect(sockets.map(({ url }) => url)).toEqual(['wss://presence.example/api/live']);
    await stopped(presence);
    expect(api.sent.map(({ path }) => path)).toEqual(['/api/heartbeat', '/api/leave']);
  });
});

describe('the name of a channel', () => {
  it.each(['a', '7', 'Lobby', 'default', 'constructor', 'a..b', 'post-7_en.v2', 'a'.repeat(64)])(
    'can be %s',
    async (channel) => {
      await present({ channel });
      expect(api.sent.map(({ path }) => path)).toEqual([`/api/channels/${channel}/heartbeat`]);
    },
  );

  it.each([
    '.',
    '..',
    '%2e%2e',
    '-a',
    '_a',
    '.a',
    'a/b',
    'a\\b',
    'a b',
    'a?b',
    'a\n',
    'é',
    'ſ',
    '日',
    'a'.repeat(65),
  ])('cannot be %j: the start throws a RangeError, and nothing is sent', async (channel) => {
    const presence = create({ channel });
    expect(() => presence.start()).toThrow(RangeError);
    await passed(30_000);
    expect(api.sent).toEqual([]);
    expect(presence.getSnapshot().status).toBe('idle');
  });
});

describe('two counters on one page', () => {
  let locks: FakeLocks;
  beforeEach(() => {
    locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
  });

  it('share the id of the visit', async () => {
    await present();
    await present({ channel: 'lobby' });
    expect(sent()).toEqual([`/api/heartbeat ${ID}`, `/api/channels/lobby/heartbeat ${ID}`]);
  });

  it('share the id of the visit at a service with a path and a query in its url', async () => {
    await present({ url: 'https://presence.example/docs/?page=1' });
    await present({ channel: 'lobby' });
    expect(sent()).toEqual([`/api/heartbeat ${ID}`, `/api/channels/lobby/heartbeat ${ID}`]);
  });

  it('lead at the same time', async () => {
    await present();
    await present({ channel: 'lobby' });
    expect(locks.held).toEqual([GROUP, LOBBY]);
    await passed(30_000);
    expect(moodsAt('/api/heartbeat').length).toBeGreaterThanOrEqual(3);
    expect(moodsAt('/api/channels/lobby/heartbeat').length).toBeGreaterThanOrEqual(3);
  });

  it('keep the lead of one channel when another tab takes the lead of the other one', async () => {
    await present();
    await present({ channel: 'lobby' });
    locks.take(LOBBY);
    await passed(12_000);
    expect(moodsAt('/api/heartbeat')).toHaveLength(2);
    // This tab waits for the other one: 1.5 intervals, 13.5 s at least.
    expect(moodsAt('/api/channels/lobby/heartbeat')).toHaveLength(1);
  });

  it('get the messages of their own channel only', async () => {
    const lobby = await present({ channel: 'lobby' });
    const presence = await present();
    locks.take();
    locks.take(LOBBY);
    await passed(1);
    await send(fromLeader());
    expect(presence.getSnapshot().data?.count).toBe(7);
    expect(lobby.getSnapshot().data?.count).toBe(1);
  });

  it('leave one by one', async () => {
    const presence = await present();
    const lobby = await present({ channel: 'lobby' });
    api.sent.length = 0;
    await stopped(lobby);
    expect(sent()).toEqual([`/api/channels/lobby/leave ${ID}`]);
    await stopped(presence);
    expect(sent()).toEqual([`/api/channels/lobby/leave ${ID}`, `/api/leave ${ID}`]);
  });

  it('leave both when the page goes', async () => {
    await present();
    await present({ channel: 'lobby' });
    await passed(2_000);
    api.sent.length = 0;
    dispatch('pagehide');
    expect(sent()).toEqual([`/api/leave ${ID}`, `/api/channels/lobby/leave ${ID}`]);
  });

  it('have a live socket each', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    const presence = await present();
    await present({ channel: 'lobby' });
    for (const socket of sockets) socket.open();
    expect(sockets.map(({ url }) => new URL(url).pathname)).toEqual([
      '/api/live',
      '/api/channels/lobby/live',
    ]);
    await stopped(presence);
    expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 1]);
  });

  it('replace an id that an older visit replaces, each in its own channel', async () => {
    await present();
    await present({ channel: 'lobby' });
    replaceStoredVisit();
    await passed(13_000);
    expect(sent().filter((request) => request.includes('leave'))).toEqual(
      expect.arrayContaining([`/api/leave ${ID}`, `/api/channels/lobby/leave ${ID}`]),
    );
    expect(sent().filter((request) => request.includes('leave'))).toHaveLength(2);
    expect(sent()).toContain(`/api/heartbeat ${OTHER}`);
    expect(sent()).toContain(`/api/channels/lobby/heartbeat ${OTHER}`);
  });
});

it('a socket that opens before the heartbeat with the id of an older visit is answered does not replace it, otherwise the first id stays counted', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  await present({ channel: 'lobby' });
  api.answer = () => {
    replaceStoredVisit();
    return Response.json(state(), { headers: { 'Presence-Live': '1' } });
  };
  api.delayMs = 500;
  await passed(11_500);
  sockets.at(-1)?.open();
  await passed(2_000);
  const left = api.sent.filter(({ path }) => path === '/api/channels/lobby/leave');
  expect(left.map(({ body }) => body?.['sessionId'])).toEqual([ID]);
});

describe('the moods of two channels', () => {
  it('are chosen apart', async () => {
    const presence = await present({ mood: 'release' });
    const lobby = await present({ channel: 'lobby', mood: 'gratitude' });
    await passed(60_000);
    expect(presence.getSnapshot().mood).toBe('release');
    expect(lobby.getSnapshot().mood).toBe('gratitude');
    expect(new Set(moodsAt('/api/heartbeat'))).toEqual(new Set(['release']));
    expect(new Set(moodsAt('/api/channels/lobby/heartbeat'))).toEqual(new Set(['gratitude']));
  });

  it('stay chosen after a reload', async () => {
    await present({ mood: 'release' });
    await present({ channel: 'lobby', mood: 'gratitude' });
    await passed(25_000);
    dispatch('pagehide');
    await passed(1);
    const presence = await present();
    const lobby = await present({ channel: 'lobby' });
    expect(presence.getSnapshot().mood).toBe('release');
    expect(lobby.getSnapshot().mood).toBe('gratitude');
  });

  it('stay chosen in a channel that the page leaves and comes back to within the visit', async () => {
    await stopped(await present({ channel: 'lobby', mood: 'gratitude' }));
    await present({ mood: 'release' });
    await passed(60_000);
    const lobby = await present({ channel: 'lobby' });
    expect(lobby.getSnapshot().mood).toBe('gratitude');
  });

  it('begin with the default mood, whatever was chosen in another channel', async () => {
    await present({ mood: 'release' });
    const lobby = await present({ channel: 'lobby' });
    expect(lobby.getSnapshot().mood).toBe('presence');
    expect(moodsAt('/api/channels/lobby/heartbeat')).toEqual(['presence']);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])(
    'are kept for a channel with the name %s too',
    async (channel) => {
      const first = await present({ channel });
      expect(first.getSnapshot().mood).toBe('presence');
      first.setMood('connection');
      await passed(25_000);
      dispatch('pagehide');
      const second = await present({ channel });
      expect(second.getSnapshot().mood).toBe('connection');
      expect(new Set(api.sent.map(({ body }) => body?.['sessionId']))).toEqual(new Set([ID]));
    },
  );
});
