// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { advance, api, heartbeats, ID, STOP_MS, setHidden, startClient, stopClient } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

beforeEach(() => {
  vi.stubGlobal('WebSocket', FakeSocket);
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
});

async function startLiveClient() {
  const presence = await startClient();
  sockets[0]?.open();
  return presence;
}

/** Advances the clock. The service sends a pong each second. */
async function advanceWithPongs(seconds: number) {
  for (let second = 0; second < seconds; second++) {
    await advance(1_000);
    sockets[0]?.receive('pong');
  }
}

describe('live sockets', () => {
  it('an open live socket sends the session once, and its pings replace the heartbeats', async () => {
    const presence = await startLiveClient();
    sockets[0]?.receive(state(3));
    await advance(1_500);
    sockets[0]?.receive(state(4));
    await advance(1);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 4 } });
    await advanceWithPongs(60);
    expect(heartbeats()).toBe(1);
    const [joined, ...pings] = sockets[0]?.sent ?? [];
    expect(JSON.parse(joined ?? '')).toEqual({ sessionId: ID, mood: 'presence' });
    expect(new Set(pings)).toEqual(new Set(['ping']));
    expect(pings.length).toBeGreaterThan(4);
  });

  it('a live socket does not show its first message if a second one follows within 1.5 s', async () => {
    const presence = await startLiveClient();
    // The service sent it before the join, so it does not count this browser.
    sockets[0]?.receive(state(0));
    await advance(1_400);
    expect(presence.getSnapshot().data?.count).toBe(1);
    sockets[0]?.receive(state(5));
    await advance(1_000);
    expect(presence.getSnapshot().data?.count).toBe(5);
  });

  it('a live socket sends a chosen mood in place of a heartbeat', async () => {
    const presence = await startLiveClient();
    presence.setMood('release');
    expect(sockets[0]?.sent.slice(1)).toEqual([JSON.stringify({ sessionId: ID, mood: 'release' })]);
    await advance(1);
    expect(heartbeats()).toBe(1);
  });

  it('a live socket closes if a ping gets no message within 5 s', async () => {
    await startLiveClient();
    await advance(11_100);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    await advance(5_000);
    expect(sockets[0]?.readyState).toBe(3);
    await advance(1_000);
    expect(heartbeats()).toBe(2);
  });

  it('a live socket sends a ping when the page is visible again, and closes without a pong', async () => {
    // The connection may have broken while the device slept.
    await startLiveClient();
    await advance(2_000);
    setHidden(false);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    await advance(6_000);
    expect(sockets[0]?.readyState).toBe(3);
    expect(heartbeats()).toBe(2);
  });

  it('the pong timer of a closed live socket does not close the next one', async () => {
    await startLiveClient();
    await advance(11_000);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    sockets[0]?.close();
    while (sockets.length < 2) await advance(1_000);
    sockets[1]?.open();
    await advance(11_000);
    expect(sockets[1]?.sent.at(-1)).toBe('ping');
    sockets[1]?.receive('pong');
    await advance(5_000);
    expect(sockets[1]?.readyState).toBe(1);
  });

  it('a lost live socket causes a heartbeat within 1 s and another socket within 133 s', async () => {
    await startLiveClient();
    sockets[0]?.close();
    await advance(1_000);
    expect(heartbeats()).toBe(2);
    await advance(132_000);
    expect(sockets).toHaveLength(2);
  });

  it('a live socket that opens aborts a heartbeat that is under way', async () => {
    const presence = await startClient();
    api.answer = () => problem(503);
    api.delayMs = 100;
    setHidden(false);
    await advance(50);
    sockets[0]?.open();
    await advance(100);
    expect(heartbeats()).toBe(2);
    expect(api.sent[1]?.init.signal?.aborted).toBe(true);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', error: null });
  });

  it.each([
    ['not JSON', 'nonsense'],
    ['null', 'null'],
    ['a state without moods', { ...state(9), moods: {} }],
    ['a state without a timestamp', { count: 9, moods: state(9).moods }],
  ])('a live socket ignores a message that is %s', async (_, message) => {
    const presence = await startLiveClient();
    sockets[0]?.receive(state(2));
    sockets[0]?.receive(message);
    await advance(2_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 2 } });
  });

  it('a connecting live socket of a stopped client closes after it opens', async () => {
    const presence = await startClient();
    await stopClient(presence);
    // Browsers print an error if a script closes a connecting socket.
    expect(sockets[0]?.readyState).toBe(0);
    sockets[0]?.open();
    expect(sockets[0]?.readyState).toBe(3);
    expect(sockets[0]?.sent).toEqual([]);
  });

  it('the last tab closes its live socket without a leave and without the code of a handover', async () => {
    const presence = await startLiveClient();
    await advance(1);
    await stopClient(presence);
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: undefined });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a message after the stop does not change the snapshot', async () => {
    const presence = await startLiveClient();
    void presence.stop();
    await advance(STOP_MS);
    sockets[0]?.receive(state(9));
    await advance(2_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: { count: 1 } });
  });

  it('a client with live: true opens a live socket even if no answer offers one', async () => {
    api.answer = () => Response.json(state());
    await startClient({ live: true });
    expect(sockets).toHaveLength(1);
  });

  it.each([
    ['no answer offers one', undefined, () => Response.json(state())],
    ['live is false', false, undefined],
  ])('a client opens no live socket if %s', async (_, live, answer) => {
    if (answer) api.answer = answer;
    await startClient({ live });
    expect(sockets).toHaveLength(0);
  });

  it.each([
    ['the browser has no WebSocket', undefined],
    [
      'the policy of the page refuses sockets',
      class {
        constructor() {
          throw new DOMException('refused', 'SecurityError');
        }
      },
    ],
  ])('a client sends heartbeats in place of a live socket if %s', async (_, WebSocket) => {
    vi.stubGlobal('WebSocket', WebSocket);
    const presence = await startClient();
    await advance(60_000);
    expect(heartbeats()).toBeGreaterThanOrEqual(6);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', error: null });
  });
});
