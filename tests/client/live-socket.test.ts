// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { api, heartbeats, ID, passed, present, STOP_MS, setHidden, stopped } from './page';
import { problem, state } from './service';
import { FakeSocket, sockets } from './socket';

beforeEach(() => {
  vi.stubGlobal('WebSocket', FakeSocket);
  api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
});

async function presentLive() {
  const presence = await present();
  sockets[0]?.open();
  return presence;
}

/** Time passes, and the service answers every ping. */
async function passedWithPongs(seconds: number) {
  for (let second = 0; second < seconds; second++) {
    await passed(1_000);
    sockets[0]?.receive('pong');
  }
}

describe('a live socket', () => {
  it('joins, and replaces the heartbeats', async () => {
    const presence = await presentLive();
    sockets[0]?.receive(state(3));
    await passed(1_500);
    sockets[0]?.receive(state(4));
    await passed(1);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 4 } });
    await passedWithPongs(60);
    expect(heartbeats()).toBe(1);
    const [joined, ...pings] = sockets[0]?.sent ?? [];
    expect(JSON.parse(joined ?? '')).toEqual({ sessionId: ID, mood: 'presence' });
    expect(new Set(pings)).toEqual(new Set(['ping']));
    expect(pings.length).toBeGreaterThan(4);
  });

  it('shows its first message only if no second one follows: the first may be from before the join', async () => {
    const presence = await presentLive();
    sockets[0]?.receive(state(0));
    await passed(1_400);
    expect(presence.getSnapshot().data?.count).toBe(1);
    sockets[0]?.receive(state(5));
    await passed(1_000);
    expect(presence.getSnapshot().data?.count).toBe(5);
  });

  it('sends a mood that is chosen', async () => {
    const presence = await presentLive();
    presence.setMood('release');
    expect(sockets[0]?.sent.slice(1)).toEqual([JSON.stringify({ sessionId: ID, mood: 'release' })]);
    await passed(1);
    expect(heartbeats()).toBe(1);
  });

  it('is lost if a ping gets no message for five seconds', async () => {
    await presentLive();
    await passed(11_100);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    await passed(5_000);
    expect(sockets[0]?.readyState).toBe(3);
    await passed(1_000);
    expect(heartbeats()).toBe(2);
  });

  it('is tested at once when the page is visible again, because it may have died while the device slept', async () => {
    await presentLive();
    await passed(2_000);
    setHidden(false);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    await passed(6_000);
    expect(sockets[0]?.readyState).toBe(3);
    expect(heartbeats()).toBe(2);
  });

  it('that dies without a pong does not take the next one with it', async () => {
    await presentLive();
    await passed(11_000);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    sockets[0]?.close();
    while (sockets.length < 2) await passed(1_000);
    sockets[1]?.open();
    await passed(11_000);
    expect(sockets[1]?.sent.at(-1)).toBe('ping');
    sockets[1]?.receive('pong');
    await passed(5_000);
    expect(sockets[1]?.readyState).toBe(1);
  });

  it('is followed by a heartbeat within a second of its end, and by another socket within two minutes', async () => {
    await presentLive();
    sockets[0]?.close();
    await passed(1_000);
    expect(heartbeats()).toBe(2);
    await passed(132_000);
    expect(sockets).toHaveLength(2);
  });

  it('replaces a heartbeat that is under way when it opens', async () => {
    const presence = await present();
    api.answer = () => problem(503);
    api.delayMs = 100;
    setHidden(false);
    await passed(50);
    sockets[0]?.open();
    await passed(100);
    expect(heartbeats()).toBe(2);
    expect(api.sent[1]?.init.signal?.aborted).toBe(true);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', error: null });
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['null', 'null'],
    ['a state without moods', { ...state(9), moods: {} }],
    ['a state without a timestamp', { count: 9, moods: state(9).moods }],
  ])('ignores a message that is %s', async (_, message) => {
    const presence = await presentLive();
    sockets[0]?.receive(state(2));
    sockets[0]?.receive(message);
    await passed(2_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 2 } });
  });

  it('that is not open yet closes when it opens, because browsers print an error otherwise', async () => {
    const presence = await present();
    await stopped(presence);
    expect(sockets[0]?.readyState).toBe(0);
    sockets[0]?.open();
    expect(sockets[0]?.readyState).toBe(3);
    expect(sockets[0]?.sent).toEqual([]);
  });

  it('leaves by closing: the last tab sends no leave, and no code of a handover', async () => {
    const presence = await presentLive();
    await passed(1);
    await stopped(presence);
    expect(sockets[0]).toMatchObject({ readyState: 3, closeCode: undefined });
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('ends with the presence: a late message changes nothing', async () => {
    const presence = await presentLive();
    void presence.stop();
    await passed(STOP_MS);
    sockets[0]?.receive(state(9));
    await passed(2_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: { count: 1 } });
  });

  it('opens with live: true even where no answer offers sockets', async () => {
    api.answer = () => Response.json(state());
    await present({ live: true });
    expect(sockets).toHaveLength(1);
  });

  it.each([
    ['no answer offers sockets', undefined, () => Response.json(state())],
    ['live is false', false, undefined],
  ])('does not open where %s', async (_, live, answer) => {
    if (answer) api.answer = answer;
    await present({ live });
    expect(sockets).toHaveLength(0);
  });

  it.each([
    ['there are no sockets', undefined],
    [
      'the policy of the page refuses sockets',
      class {
        constructor() {
          throw new DOMException('refused', 'SecurityError');
        }
      },
    ],
  ])('is replaced by heartbeats where %s', async (_, WebSocket) => {
    vi.stubGlobal('WebSocket', WebSocket);
    const presence = await present();
    await passed(60_000);
    expect(heartbeats()).toBeGreaterThanOrEqual(6);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', error: null });
  });
});
