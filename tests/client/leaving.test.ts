// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { api, dispatch, heartbeats, ID, page, passed, present, STOP_MS, setHidden, stopped } from './page';

describe('a leave', () => {
  it('is a request without a preflight that outlives the page', async () => {
    const presence = await present();
    await stopped(presence);
    expect(api.sent.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/leave',
      body: { sessionId: ID },
      init: { keepalive: true },
    });
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: { count: 1 }, error: null });
    await passed(60_000);
    expect(heartbeats()).toBe(1);
  });

  it('is a beacon of text where requests do not outlive the page', async () => {
    vi.stubGlobal('Request', class {});
    const sendBeacon = vi.fn();
    vi.stubGlobal('navigator', { sendBeacon });
    await present();
    dispatch('pagehide');
    expect(sendBeacon).toHaveBeenCalledWith(
      'https://presence.example/api/leave',
      JSON.stringify({ sessionId: ID }),
    );
    vi.unstubAllGlobals();
  });

  it('is sent when the page goes, and a heartbeat when it comes back', async () => {
    await present();
    dispatch('pagehide');
    setHidden(true);
    await passed(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    page.hidden = false;
    dispatch('pageshow');
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
  });

  it('is never sent at unload', async () => {
    await present();
    dispatch('unload');
    dispatch('beforeunload');
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('aborts the heartbeat under way', async () => {
    api.delayMs = 5_000;
    const presence = await present();
    api.delayMs = 0;
    await stopped(presence);
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await passed(10_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
  });

  it('is not undone by an answer that comes later', async () => {
    api.delayMs = 5_000;
    const presence = await present({
      // It ignores the signal.
      fetch: (input, { signal: _, ...init } = {}) => api.fetch(input, init),
    });
    api.delayMs = 0;
    await stopped(presence);
    await passed(20_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('follows the abort of the signal', async () => {
    const controller = new AbortController();
    const presence = await present({ signal: controller.signal });
    controller.abort();
    await passed(STOP_MS);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    presence.start();
    await passed(1);
    expect(presence.getSnapshot().status).toBe('idle');
  });

  it('has ten seconds for its answer', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const presence = await present();
    api.delayMs = 3_600_000;
    const left = vi.fn();
    void presence.stop().then(left);
    await passed(STOP_MS + 9_990);
    expect(left).not.toHaveBeenCalled();
    await passed(20);
    expect(left).toHaveBeenCalled();
  });

  it('can be followed by another start', async () => {
    const presence = await present();
    void presence.stop();
    await passed(60_000);
    presence.start();
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });
});

describe('stop', () => {
  it.each([0, 1, 150])('sends nothing if a start follows after %i ms', async (ms) => {
    const presence = await present();
    void presence.stop();
    await passed(ms);
    presence.start();
    await passed(12_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
  });

  it('waits its whole time after each stop', async () => {
    const presence = await present();
    void presence.stop();
    await passed(10);
    presence.start();
    await passed(180);
    void presence.stop();
    await passed(15);
    presence.start();
    await passed(1_000);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('leaves at once if the page goes before its time', async () => {
    const presence = await present();
    void presence.stop();
    await passed(10);
    dispatch('pagehide');
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    await passed(1_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot().status).toBe('idle');
  });
});

describe('a page that continues a visit', () => {
  it('sends a second heartbeat a second after the first, because the leave of the page before may come late', async () => {
    await present();
    dispatch('pagehide');
    await passed(1);
    api.sent.length = 0;
    await present();
    await passed(1_001);
    expect(api.paths().slice(0, 2)).toEqual(['heartbeat', 'heartbeat']);
  });

  it('sends the second heartbeat also if a change of mood sends one before', async () => {
    await present();
    dispatch('pagehide');
    await passed(1);
    const presence = await present();
    await passed(300);
    api.sent.length = 0;
    presence.setMood('release');
    await passed(1);
    expect(heartbeats()).toBe(1);
    await passed(700);
    expect(heartbeats()).toBe(2);
  });

  it('does so too after the back button', async () => {
    await present();
    dispatch('pagehide');
    dispatch('pageshow');
    await passed(1);
    api.sent.length = 0;
    await passed(1_001);
    expect(heartbeats()).toBe(1);
  });

  it('does so too with an id that the page sets, which outlives pages', async () => {
    await present({ sessionId: ID });
    await passed(1_001);
    expect(heartbeats()).toBe(2);
  });

  it('sends no second one in a new visit', async () => {
    await present();
    await passed(8_000);
    expect(heartbeats()).toBe(1);
  });
});

describe('a hidden page', () => {
  it('stays with keep, and sends a heartbeat when it is visible again', async () => {
    await present();
    setHidden(true);
    await passed(25_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
    setHidden(false);
    await passed(1);
    expect(heartbeats()).toBe(4);
  });

  it('leaves with leave, and comes back when it is visible again', async () => {
    const presence = await present({ whenHidden: 'leave' });
    setHidden(true);
    await passed(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    setHidden(false);
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });

  it('does not come with leave before it is visible', async () => {
    page.hidden = true;
    await present({ whenHidden: 'leave' });
    await passed(60_000);
    expect(api.sent).toEqual([]);
    setHidden(false);
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });
});
