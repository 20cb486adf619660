// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { api, create, heartbeats, page, passed, present } from './page';
import { state } from './service';

const withInterval = (seconds: string) => () =>
  Response.json(state(), { headers: { 'Presence-Interval': seconds } });

describe('the interval', () => {
  it.each([0, -1, 499, 200_001, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'of %s ms is refused at the start',
    (intervalMs) => {
      const presence = create({ intervalMs });
      expect(() => presence.start()).toThrow(new RangeError('intervalMs must be from 500 to 200,000.'));
      expect(presence.getSnapshot().status).toBe('idle');
    },
  );

  it.each([500, 1_200, 200_000])('of %s ms is kept', async (intervalMs) => {
    await present({ intervalMs });
    await passed(10 * intervalMs);
    expect(heartbeats()).toBeGreaterThanOrEqual(10);
    expect(heartbeats()).toBeLessThanOrEqual(12);
  });

  it.each([
    ['2', 30],
    ['0.666', 90],
    ['10', 6],
  ])('is the one that the service asks for: %s s', async (seconds, heartbeatsPerMinute) => {
    api.answer = withInterval(seconds);
    await present();
    await passed(60_000);
    expect(heartbeats() / heartbeatsPerMinute).toBeCloseTo(1, 0);
  });

  it('that the page sets holds, whatever the service asks for', async () => {
    api.answer = withInterval('2');
    await present({ intervalMs: 10_000 });
    await passed(60_000);
    expect(heartbeats()).toBeLessThan(9);
  });

  it.each(['0', '-1', 'NaN', 'soon', '1e9', ''])(
    'stays ten seconds if the service asks for %j',
    async (seconds) => {
      api.answer = withInterval(seconds);
      await present();
      await passed(60_000);
      expect(heartbeats()).toBeGreaterThanOrEqual(6);
      expect(heartbeats()).toBeLessThan(9);
    },
  );

  it('is kept in a hidden page while the clock of the device is set back by an hour', async () => {
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
    await present();
    const { Date: RealDate } = globalThis;
    globalThis.Date = class extends RealDate {
      static override now = () => RealDate.now() - 3_600_000;
    } as DateConstructor;
    await passed(60_000);
    globalThis.Date = RealDate;
    expect(heartbeats()).toBeGreaterThanOrEqual(6);
    // The worker gets delays, not times of a clock.
    for (const [[delayMs]] of worker.postMessage.mock.calls) expect(delayMs).toBeLessThan(17_000);
  });
});
