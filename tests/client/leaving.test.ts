// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import {
  advance,
  api,
  createClient,
  dispatch,
  heartbeats,
  ID,
  page,
  STOP_MS,
  setHidden,
  startClient,
  stopClient,
} from './page';

describe('leaves', () => {
  it('a client that stops sends one leave with keepalive, and no more heartbeats', async () => {
    const presence = await startClient();
    await stopClient(presence);
    expect(api.sent.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/leave',
      body: { sessionId: ID },
      init: { keepalive: true },
    });
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: { count: 1 }, error: null });
    await advance(60_000);
    expect(heartbeats()).toBe(1);
  });

  it('a browser without keepalive sends the leave as a beacon with a text body', async () => {
    vi.stubGlobal('Request', class {});
    const sendBeacon = vi.fn();
    vi.stubGlobal('navigator', { sendBeacon });
    await startClient();
    dispatch('pagehide');
    expect(sendBeacon).toHaveBeenCalledWith(
      'https://presence.example/api/leave',
      JSON.stringify({ sessionId: ID }),
    );
    vi.unstubAllGlobals();
  });

  it('a page sends a leave at pagehide and a heartbeat at pageshow', async () => {
    await startClient();
    dispatch('pagehide');
    setHidden(true);
    await advance(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    page.hidden = false;
    dispatch('pageshow');
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
  });

  it('a page sends no leave at unload or beforeunload', async () => {
    await startClient();
    dispatch('unload');
    dispatch('beforeunload');
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a leave aborts the heartbeat that is under way', async () => {
    api.delayMs = 5_000;
    const presence = await startClient();
    api.delayMs = 0;
    await stopClient(presence);
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await advance(10_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
  });

  it('a heartbeat answer after the leave does not change the snapshot', async () => {
    api.delayMs = 5_000;
    const presence = await startClient({
      // This `fetch` ignores the signal.
      fetch: (input, { signal: _, ...init } = {}) => api.fetch(input, init),
    });
    api.delayMs = 0;
    await stopClient(presence);
    await advance(20_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('an aborted signal stops the client, and a later start does nothing', async () => {
    const controller = new AbortController();
    const presence = await startClient({ signal: controller.signal });
    controller.abort();
    await advance(STOP_MS);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    presence.start();
    await advance(1);
    expect(presence.getSnapshot().status).toBe('idle');
  });

  it('stop waits 10 s for the answer to the leave', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const presence = await startClient();
    api.delayMs = 3_600_000;
    const left = vi.fn();
    void presence.stop().then(left);
    await advance(STOP_MS + 9_990);
    expect(left).not.toHaveBeenCalled();
    await advance(20);
    expect(left).toHaveBeenCalled();
  });

  it('a client can start again after its leave', async () => {
    const presence = await startClient();
    void presence.stop();
    await advance(60_000);
    presence.start();
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });
});

describe('stop', () => {
  it.each([0, 1, 150])('a stop sends no leave if a start follows after %i ms', async (ms) => {
    const presence = await startClient();
    void presence.stop();
    await advance(ms);
    presence.start();
    await advance(12_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
  });

  it('each stop waits 200 ms from its own call', async () => {
    const presence = await startClient();
    void presence.stop();
    await advance(10);
    presence.start();
    await advance(180);
    void presence.stop();
    await advance(15);
    presence.start();
    await advance(1_000);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('a second stop resolves after the answer to the leave of the first one', async () => {
    const controller = new AbortController();
    const presence = await startClient({ signal: controller.signal });
    api.delayMs = 500;
    controller.abort();
    const stopped = vi.fn();
    void presence.stop().then(stopped);
    await advance(STOP_MS + 490);
    expect(stopped).not.toHaveBeenCalled();
    await advance(20);
    expect(stopped).toHaveBeenCalled();
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('a stop resolves without a request before the first start', async () => {
    await createClient().stop();
    expect(api.sent).toEqual([]);
  });

  it('a client within its stop leaves at once at pagehide', async () => {
    const presence = await startClient();
    void presence.stop();
    await advance(10);
    dispatch('pagehide');
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    await advance(1_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot().status).toBe('idle');
  });
});

describe('continued visits', () => {
  it('a page that continues a visit sends a second heartbeat 1 s after the first one', async () => {
    await startClient();
    // The leave of the first page may arrive late. Only a second heartbeat restores the session then.
    dispatch('pagehide');
    await advance(1);
    api.sent.length = 0;
    await startClient();
    await advance(1_001);
    expect(api.paths().slice(0, 2)).toEqual(['heartbeat', 'heartbeat']);
  });

  it('a page that continues a visit sends its second heartbeat even after a change of mood', async () => {
    await startClient();
    dispatch('pagehide');
    await advance(1);
    const presence = await startClient();
    await advance(300);
    api.sent.length = 0;
    presence.setMood('release');
    await advance(1);
    expect(heartbeats()).toBe(1);
    await advance(700);
    expect(heartbeats()).toBe(2);
  });

  it('a page sends a second heartbeat 1 s after pageshow', async () => {
    await startClient();
    dispatch('pagehide');
    dispatch('pageshow');
    await advance(1);
    api.sent.length = 0;
    await advance(1_001);
    expect(heartbeats()).toBe(1);
  });

  it('a page that sets its session id sends a second heartbeat 1 s after the first one', async () => {
    await startClient({ sessionId: ID });
    await advance(1_001);
    expect(heartbeats()).toBe(2);
  });

  it('a page that begins a visit sends no second heartbeat within 8 s', async () => {
    await startClient();
    await advance(8_000);
    expect(heartbeats()).toBe(1);
  });
});

describe('hidden pages', () => {
  it('a hidden page keeps its heartbeats by default, and sends one when it is visible again', async () => {
    await startClient();
    setHidden(true);
    await advance(25_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
    setHidden(false);
    await advance(1);
    expect(heartbeats()).toBe(4);
  });

  it('a page with whenHidden: leave leaves when it is hidden and returns when it is visible', async () => {
    const presence = await startClient({ whenHidden: 'leave' });
    setHidden(true);
    await advance(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    setHidden(false);
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });

  it('a page with whenHidden: leave sends nothing before it is visible', async () => {
    page.hidden = true;
    await startClient({ whenHidden: 'leave' });
    await advance(60_000);
    expect(api.sent).toEqual([]);
    setHidden(false);
    await advance(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });
});
