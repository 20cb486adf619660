// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { api, beats, ID, look, page, passed, present, show } from './page';

describe('leaving', () => {
  it('is a request without preflight that outlives the page', async () => {
    const presence = await present();
    const stopped = presence.stop();
    await passed(1);
    await stopped;
    expect(api.sent.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/leave',
      body: { sessionId: ID },
      init: { keepalive: true },
    });
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: { count: 1 }, error: null });
    await passed(60_000);
    expect(beats()).toBe(1);
  });

  it('is a beacon of text where requests do not outlive the page', async () => {
    vi.stubGlobal('Request', class {});
    const sendBeacon = vi.fn();
    vi.stubGlobal('navigator', { sendBeacon });
    await present();
    show('pagehide');
    expect(sendBeacon).toHaveBeenCalledWith(
      new URL('https://presence.example/api/leave'),
      JSON.stringify({ sessionId: ID }),
    );
    vi.unstubAllGlobals();
  });

  it('happens when the page goes, and is over when it comes back', async () => {
    await present();
    show('pagehide');
    look(true);
    await passed(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    page.hidden = false;
    show('pageshow');
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
  });

  it('never happens at unload', async () => {
    await present();
    show('unload');
    show('beforeunload');
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });

  it('gives up the heartbeat under way', async () => {
    api.delayMs = 5_000;
    const presence = await present();
    api.delayMs = 0;
    const stopped = presence.stop();
    await passed(1);
    await stopped;
    expect(api.sent[0]?.init.signal?.aborted).toBe(true);
    await passed(10_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
  });

  it('is not undone by an answer that comes late', async () => {
    api.delayMs = 5_000;
    const presence = await present({
      // One that cannot be given up.
      fetch: (input, { signal: _, ...init } = {}) => api.fetch(input, init),
    });
    api.delayMs = 0;
    void presence.stop();
    await passed(20_000);
    expect(presence.getSnapshot()).toMatchObject({ status: 'idle', data: null });
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
  });

  it('is taken back by a start that follows at once', async () => {
    const presence = await present();
    void presence.stop();
    presence.start();
    await passed(12_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat']);
  });

  it('is what an abort of the signal does', async () => {
    const controller = new AbortController();
    const presence = await present({ signal: controller.signal });
    controller.abort();
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    presence.start();
    await passed(1);
    expect(presence.getSnapshot().status).toBe('idle');
  });

  it('waits no longer than ten seconds for an answer', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const presence = await present();
    api.delayMs = 3_600_000;
    const stopped = vi.fn();
    void presence.stop().then(stopped);
    await passed(9_990);
    expect(stopped).not.toHaveBeenCalled();
    await passed(20);
    expect(stopped).toHaveBeenCalled();
  });

  it('can be followed by coming again', async () => {
    const presence = await present();
    void presence.stop();
    await passed(60_000);
    presence.start();
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });
});

describe('a page that is hidden', () => {
  it('goes on with keep, and beats when it is seen again', async () => {
    await present();
    look(true);
    await passed(25_000);
    expect(api.paths()).toEqual(['heartbeat', 'heartbeat', 'heartbeat']);
    look(false);
    await passed(1);
    expect(beats()).toBe(4);
  });

  it('leaves with leave, and comes back when it is seen again', async () => {
    const presence = await present({ whenHidden: 'leave' });
    look(true);
    await passed(60_000);
    expect(api.paths()).toEqual(['heartbeat', 'leave']);
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale', data: { count: 1 } });
    look(false);
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat', 'leave', 'heartbeat']);
    expect(presence.getSnapshot().status).toBe('live');
  });

  it('does not come with leave before it is seen', async () => {
    page.hidden = true;
    await present({ whenHidden: 'leave' });
    await passed(60_000);
    expect(api.sent).toEqual([]);
    look(false);
    await passed(1);
    expect(api.paths()).toEqual(['heartbeat']);
  });
});
