// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { advance, api, createClient, heartbeats, page, startClient } from './page';
import { state } from './service';

const withInterval = (seconds: string) => () =>
  Response.json(state(), { headers: { 'Presence-Interval': seconds } });

describe('intervals', () => {
  it.each([0, -1, 499, 200_001, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'start throws a RangeError for an interval of %s ms',
    (intervalMs) => {
      const presence = createClient({ intervalMs });
      expect(() => presence.start()).toThrow(new RangeError('intervalMs must be from 500 to 200,000.'));
      expect(presence.getSnapshot().status).toBe('idle');
    },
  );

  it.each([500, 1_200, 200_000])('a client keeps an interval of %s ms', async (intervalMs) => {
    await startClient({ intervalMs });
    await advance(10 * intervalMs);
    expect(heartbeats()).toBeGreaterThanOrEqual(10);
    expect(heartbeats()).toBeLessThanOrEqual(12);
  });

  it.each([
    ['2', 30],
    ['0.666', 90],
    ['10', 6],
  ])('a client adopts the interval of %s s that the service sends', async (seconds, heartbeatsPerMinute) => {
    api.answer = withInterval(seconds);
    await startClient();
    await advance(60_000);
    // The first heartbeat comes at once. Each pause is up to 10 % shorter or longer.
    expect(heartbeats()).toBeGreaterThanOrEqual(0.9 * heartbeatsPerMinute);
    expect(heartbeats()).toBeLessThanOrEqual(1.15 * heartbeatsPerMinute + 2);
  });

  it('an interval that the page sets holds against the interval of the service', async () => {
    api.answer = withInterval('2');
    await startClient({ intervalMs: 10_000 });
    await advance(60_000);
    expect(heartbeats()).toBeLessThan(9);
  });

  it.each(['0', '-1', 'NaN', 'soon', '1e9', ''])(
    'the interval stays 10 s if the service sends %j',
    async (seconds) => {
      api.answer = withInterval(seconds);
      await startClient();
      await advance(60_000);
      expect(heartbeats()).toBeGreaterThanOrEqual(6);
      expect(heartbeats()).toBeLessThan(9);
    },
  );

  it('a hidden page keeps its interval while the clock of the device is set back by an hour', async () => {
    const worker = { postMessage: vi.fn(), terminate: vi.fn(), onmessage: undefined };
    vi.stubGlobal(
      'Worker',
      class {
        constructor() {
          Object.assign(this, worker);
        }
      },
    );
    page.hidden = true;
    await startClient();
    const { Date: RealDate } = globalThis;
    globalThis.Date = class extends RealDate {
      static override now = () => RealDate.now() - 3_600_000;
    } as DateConstructor;
    await advance(60_000);
    globalThis.Date = RealDate;
    expect(heartbeats()).toBeGreaterThanOrEqual(6);
    // The worker gets delays, not times of a clock.
    for (const [[delayMs]] of worker.postMessage.mock.calls) expect(delayMs).toBeLessThan(17_000);
  });
});
