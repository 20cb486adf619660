// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLocks } from './locks';
import { leaderMessage, sendFromOtherTab } from './other-tab';
import { advance, api, createClient, dispatch, GROUP, ID, startClient, stopClient } from './page';
import { state } from './service';
import { FakeSocket, sockets } from './socket';

const OTHER = '0d9b2c64-6a0e-4f43-9c1e-0b1f5c7a2e11';
const LOBBY = 'presence 2 https://presence.example lobby visit';

/** The requests as `path id`, in the order of sending. */
const requestsSent = () => api.sent.map(({ path, body }) => `${path} ${body?.['sessionId']}`);
/** The moods in the requests to a path. */
const moodsAt = (path: string) =>
  api.sent.filter((request) => request.path === path).map(({ body }) => body?.['mood']);

/** Replaces the stored visit with an older one, as a tab of another channel does. */
function replaceStoredVisit() {
  const [key = '', value = ''] = Object.entries(localStorage)[0] ?? [];
  localStorage[key] = JSON.stringify({ ...JSON.parse(value), id: OTHER, since: 1 });
}

describe('paths', () => {
  it('a heartbeat and a leave have the name of the channel in their paths', async () => {
    await stopClient(await startClient({ channel: 'post-7' }));
    expect(api.sent.map(({ path }) => path)).toEqual([
      '/api/channels/post-7/heartbeat',
      '/api/channels/post-7/leave',
    ]);
  });

  it('the request of a client that only watches has the name of the channel in its path', async () => {
    await startClient({ channel: 'post-7', mood: null });
    expect(api.sent.map(({ path }) => path)).toEqual(['/api/channels/post-7/presence']);
  });

  it('the leave at pagehide has the name of the channel in its path', async () => {
    await startClient({ channel: 'post-7' });
    dispatch('pagehide');
    expect(api.sent.at(-1)?.path).toBe('/api/channels/post-7/leave');
  });

  it('a live socket has the name of the channel in its path', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    await startClient({ channel: 'post-7', live: true });
    expect(sockets.map(({ url }) => url)).toEqual(['wss://presence.example/api/channels/post-7/live']);
  });

  it.each([undefined, ''])(
    'no path has the name of a channel with the option channel: %j',
    async (channel) => {
      vi.stubGlobal('WebSocket', FakeSocket);
      const presence = await startClient({ channel, live: true });
      expect(sockets.map(({ url }) => url)).toEqual(['wss://presence.example/api/live']);
      await stopClient(presence);
      expect(api.sent.map(({ path }) => path)).toEqual(['/api/heartbeat', '/api/leave']);
    },
  );
});

describe('channel names', () => {
  it.each(['a', '7', 'Lobby', 'default', 'constructor', 'a..b', 'post-7_en.v2', 'a'.repeat(64)])(
    'a channel can have the name %s',
    async (channel) => {
      await startClient({ channel });
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
  ])('start throws a RangeError for the channel name %j, and the client sends nothing', async (channel) => {
    const presence = createClient({ channel });
    expect(() => presence.start()).toThrow(RangeError);
    await advance(30_000);
    expect(api.sent).toEqual([]);
    expect(presence.getSnapshot().status).toBe('idle');
  });
});

describe('clients of two channels', () => {
  let locks: FakeLocks;
  beforeEach(() => {
    locks = new FakeLocks();
    vi.stubGlobal('navigator', { locks, userAgent: '', webdriver: false });
  });

  it('two clients on one page share the id of the visit', async () => {
    await startClient();
    await startClient({ channel: 'lobby' });
    expect(requestsSent()).toEqual([`/api/heartbeat ${ID}`, `/api/channels/lobby/heartbeat ${ID}`]);
  });

  it('two clients share the id of the visit if one url has a path and a query', async () => {
    await startClient({ url: 'https://presence.example/docs/?page=1' });
    await startClient({ channel: 'lobby' });
    expect(requestsSent()).toEqual([`/api/heartbeat ${ID}`, `/api/channels/lobby/heartbeat ${ID}`]);
  });

  it('the clients of two channels lead at the same time', async () => {
    await startClient();
    await startClient({ channel: 'lobby' });
    expect(locks.held).toEqual([GROUP, LOBBY]);
    await advance(30_000);
    expect(moodsAt('/api/heartbeat').length).toBeGreaterThanOrEqual(3);
    expect(moodsAt('/api/channels/lobby/heartbeat').length).toBeGreaterThanOrEqual(3);
  });

  it('a client keeps the lead of its channel when another tab takes the lead of the other channel', async () => {
    await startClient();
    await startClient({ channel: 'lobby' });
    locks.take(LOBBY);
    await advance(12_000);
    expect(moodsAt('/api/heartbeat')).toHaveLength(2);
    // This tab waits for the other tab for 1.5 intervals: at least 13.5 s.
    expect(moodsAt('/api/channels/lobby/heartbeat')).toHaveLength(1);
  });

  it('a client gets the messages of its own channel only', async () => {
    const lobby = await startClient({ channel: 'lobby' });
    const presence = await startClient();
    locks.take();
    locks.take(LOBBY);
    await advance(1);
    await sendFromOtherTab(leaderMessage());
    expect(presence.getSnapshot().data?.count).toBe(7);
    expect(lobby.getSnapshot().data?.count).toBe(1);
  });

  it('the clients of two channels leave separately', async () => {
    const presence = await startClient();
    const lobby = await startClient({ channel: 'lobby' });
    api.sent.length = 0;
    await stopClient(lobby);
    expect(requestsSent()).toEqual([`/api/channels/lobby/leave ${ID}`]);
    await stopClient(presence);
    expect(requestsSent()).toEqual([`/api/channels/lobby/leave ${ID}`, `/api/leave ${ID}`]);
  });

  it('the clients of two channels both leave at pagehide', async () => {
    await startClient();
    await startClient({ channel: 'lobby' });
    await advance(2_000);
    api.sent.length = 0;
    dispatch('pagehide');
    expect(requestsSent()).toEqual([`/api/leave ${ID}`, `/api/channels/lobby/leave ${ID}`]);
  });

  it('the clients of two channels have a live socket each', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    const presence = await startClient();
    await startClient({ channel: 'lobby' });
    for (const socket of sockets) socket.open();
    expect(sockets.map(({ url }) => new URL(url).pathname)).toEqual([
      '/api/live',
      '/api/channels/lobby/live',
    ]);
    await stopClient(presence);
    expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 1]);
  });

  it('each client replaces its id in its own channel when the page finds an older visit', async () => {
    await startClient();
    await startClient({ channel: 'lobby' });
    replaceStoredVisit();
    await advance(13_000);
    expect(requestsSent().filter((request) => request.includes('leave'))).toEqual(
      expect.arrayContaining([`/api/leave ${ID}`, `/api/channels/lobby/leave ${ID}`]),
    );
    expect(requestsSent().filter((request) => request.includes('leave'))).toHaveLength(2);
    expect(requestsSent()).toContain(`/api/heartbeat ${OTHER}`);
    expect(requestsSent()).toContain(`/api/channels/lobby/heartbeat ${OTHER}`);
  });
});

it('an id that an older visit replaces leaves, though a socket opens before the next answer', async () => {
  vi.stubGlobal('WebSocket', FakeSocket);
  await startClient({ channel: 'lobby' });
  api.answer = () => {
    replaceStoredVisit();
    return Response.json(state(), { headers: { 'Presence-Live': '1' } });
  };
  api.delayMs = 500;
  await advance(11_500);
  sockets.at(-1)?.open();
  await advance(2_000);
  const left = api.sent.filter(({ path }) => path === '/api/channels/lobby/leave');
  expect(left.map(({ body }) => body?.['sessionId'])).toEqual([ID]);
});

describe('moods of channels', () => {
  it('each channel has its own chosen mood', async () => {
    const presence = await startClient({ mood: 'release' });
    const lobby = await startClient({ channel: 'lobby', mood: 'gratitude' });
    await advance(60_000);
    expect(presence.getSnapshot().mood).toBe('release');
    expect(lobby.getSnapshot().mood).toBe('gratitude');
    expect(new Set(moodsAt('/api/heartbeat'))).toEqual(new Set(['release']));
    expect(new Set(moodsAt('/api/channels/lobby/heartbeat'))).toEqual(new Set(['gratitude']));
  });

  it('the moods of two channels stay chosen after a reload', async () => {
    await startClient({ mood: 'release' });
    await startClient({ channel: 'lobby', mood: 'gratitude' });
    await advance(25_000);
    dispatch('pagehide');
    await advance(1);
    const presence = await startClient();
    const lobby = await startClient({ channel: 'lobby' });
    expect(presence.getSnapshot().mood).toBe('release');
    expect(lobby.getSnapshot().mood).toBe('gratitude');
  });

  it('a channel keeps its mood when the page leaves it and returns within the visit', async () => {
    await stopClient(await startClient({ channel: 'lobby', mood: 'gratitude' }));
    await startClient({ mood: 'release' });
    await advance(60_000);
    const lobby = await startClient({ channel: 'lobby' });
    expect(lobby.getSnapshot().mood).toBe('gratitude');
  });

  it('a channel begins with the default mood despite a choice in another channel', async () => {
    await startClient({ mood: 'release' });
    const lobby = await startClient({ channel: 'lobby' });
    expect(lobby.getSnapshot().mood).toBe('presence');
    expect(moodsAt('/api/channels/lobby/heartbeat')).toEqual(['presence']);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])(
    'a channel with the name %s keeps its mood after a reload',
    async (channel) => {
      const first = await startClient({ channel });
      expect(first.getSnapshot().mood).toBe('presence');
      first.setMood('connection');
      await advance(25_000);
      dispatch('pagehide');
      const second = await startClient({ channel });
      expect(second.getSnapshot().mood).toBe('connection');
      expect(new Set(api.sent.map(({ body }) => body?.['sessionId']))).toEqual(new Set([ID]));
    },
  );
});
