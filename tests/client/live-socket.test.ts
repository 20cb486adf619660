// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { api, beats, ID, look, passed, present } from './page';
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

describe('a live socket', () => {
  it('joins, and takes the place of the heartbeats', async () => {
    const presence = await presentLive();
    sockets[0]?.tell(state(3));
    await passed(1_500);
    sockets[0]?.tell(state(4));
    await passed(1);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', data: { count: 4 } });
    for (let seconds = 0; seconds < 60; seconds++) {
      await passed(1_000);
      sockets[0]?.tell('pong');
    }
    expect(beats()).toBe(1);
    const [joined, ...pings] = sockets[0]?.sent ?? [];
    expect(JSON.parse(joined ?? '')).toEqual({ sessionId: ID, mood: 'presence' });
    expect(new Set(pings)).toEqual(new Set(['ping']));
    expect(pings.length).toBeGreaterThan(4);
  });

  it('says the mood that is chosen', async () => {
    const presence = await presentLive();
    presence.setMood('release');
    expect(sockets[0]?.sent.slice(1)).toEqual([JSON.stringify({ sessionId: ID, mood: 'release' })]);
    await passed(1);
    expect(beats()).toBe(1);
  });

  it('is given up when a ping has no answer until the next one', async () => {
    await presentLive();
    await passed(11_000);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    await passed(13_000);
    expect(sockets[0]?.readyState).toBe(3);
    expect(beats()).toBeGreaterThan(1);
  });

  it('that died without an answer does not take the next one with it', async () => {
    await presentLive();
    await passed(11_000);
    expect(sockets[0]?.sent.at(-1)).toBe('ping');
    sockets[0]?.close();
    while (sockets.length < 2) await passed(1_000);
    sockets[1]?.open();
    await passed(11_000);
    expect(sockets[1]?.sent.at(-1)).toBe('ping');
    sockets[1]?.tell('pong');
    expect(sockets[1]?.readyState).toBe(1);
  });

  it('beats within a second of its end, and opens another one within two minutes', async () => {
    await presentLive();
    sockets[0]?.close();
    await passed(1_000);
    expect(beats()).toBe(2);
    await passed(132_000);
    expect(sockets).toHaveLength(2);
  });

  it('keeps what it tells, though a heartbeat fails that was under way when it opened', async () => {
    const presence = await present();
    api.answer = () => problem(503);
    api.delayMs = 100;
    look(false);
    await passed(50);
    sockets[0]?.open();
    await passed(100);
    expect(beats()).toBe(2);
    expect(presence.getSnapshot()).toMatchObject({ status: 'live', error: null });
  });

  it('that is not open yet is closed when it opens, since browsers complain of one that is closed earlier', async () => {
    const presence = await present();
    const stopped = presence.stop();
    await passed(1);
    await stopped;
    expect(sockets[0]?.readyState).toBe(0);
    sockets[0]?.open();
    expect(sockets[0]?.readyState).toBe(3);
    expect(sockets[0]?.sent).toEqual([]);
  });

  it('is opened with live: true even where no answer says that there are any', async () => {
    api.answer = () => Response.json(state());
    await present({ live: true });
    expect(sockets).toHaveLength(1);
  });

  it('is not opened where none says so', async () => {
    api.answer = () => Response.json(state());
    await present();
    expect(sockets).toHaveLength(0);
  });
});
