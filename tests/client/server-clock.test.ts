// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { observe, observeMessage, UNKNOWN } from '../../src/client/server-clock';
import { advance, api, startClient } from './page';
import { state } from './service';
import { FakeSocket, sockets } from './socket';

describe('the estimate of the server clock', () => {
  it('the estimate assumes that the server read its clock in the middle of the round trip', () => {
    expect(observe(UNKNOWN, 5_100, 1_000, 1_200)).toEqual({ offsetMs: 4_000, errorMs: 100 });
  });

  it('the estimate is that of the fastest round trip', () => {
    const fast = observe(UNKNOWN, 5_010, 1_000, 1_020);
    expect(observe(fast, 6_190, 2_000, 2_200)).toBe(fast);
    expect(observe(fast, 6_004, 2_000, 2_010).errorMs).toBe(5);
  });

  it('a later round trip replaces the estimate if it contradicts it', () => {
    const fast = observe(UNKNOWN, 5_010, 1_000, 1_020);
    expect(observe(fast, 9_100, 1_500, 1_700)).toEqual({ offsetMs: 7_500, errorMs: 100 });
  });

  it('a message from the future moves the estimate forward, and a late message does not move it back', () => {
    const fast = observe(UNKNOWN, 5_010, 1_000, 1_020);
    expect(observeMessage(fast, 5_500, 1_500)).toBe(fast);
    expect(observeMessage(fast, 5_400, 600_000)).toBe(fast);
    expect(observeMessage(fast, 65_500, 1_500)).toEqual({ offsetMs: 64_000, errorMs: 1_000 });
  });

  it('the estimate is wrong by at most its error, for ways of 0 to 5 s', () => {
    const milliseconds = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(fc.tuple(milliseconds, milliseconds, milliseconds), { minLength: 1 }),
        (aheadMs, trips) => {
          let clock = UNKNOWN;
          let now = 1_700_000_000_000;
          for (const [pauseMs, thereMs, backMs] of trips) {
            const sentAt = now + pauseMs;
            now = sentAt + thereMs + backMs;
            clock = observe(clock, sentAt + thereMs + aheadMs, sentAt, now);
            expect(Math.abs(clock.offsetMs - aheadMs)).toBeLessThanOrEqual(clock.errorMs);
          }
        },
      ),
    );
  });
});

describe('serverNow', () => {
  it('serverNow is the clock of the device before the first answer', async () => {
    api.delayMs = 200;
    const presence = await startClient();
    expect(presence.serverNow()).toBe(Date.now());
  });

  it('serverNow is the clock of the server, with an error of half a round trip', async () => {
    api.delayMs = 200;
    api.answer = () => Response.json({ ...state(), timestamp: Date.now() + 3_600_000 });
    const presence = await startClient();
    await advance(500);
    expect(presence.serverNow() - Date.now()).toBeCloseTo(3_600_000 + 100, 0);
  });

  it('serverNow does not change when the clock of the device is set back', async () => {
    const presence = await startClient();
    const before = presence.serverNow();
    const { Date: RealDate } = globalThis;
    globalThis.Date = class extends RealDate {
      static override now = () => RealDate.now() - 3_600_000;
    } as DateConstructor;
    expect(presence.serverNow()).toBe(before);
    globalThis.Date = RealDate;
  });

  it('a socket message corrects serverNow after the clock of the page stood still', async () => {
    vi.stubGlobal('WebSocket', FakeSocket);
    api.answer = () => Response.json(state(), { headers: { 'Presence-Live': '1' } });
    const presence = await startClient();
    sockets[0]?.open();
    sockets[0]?.receive(state(1));
    sockets[0]?.receive({ ...state(2), timestamp: Date.now() + 600_000 });
    expect(presence.serverNow() - Date.now()).toBeCloseTo(600_000, 0);
  });
});
