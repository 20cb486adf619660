import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observe, UNKNOWN } from '../../src/client/server-clock';

describe('the estimate of the server clock', () => {
  it('takes the middle of the round trip for the time when the server told its time', () => {
    expect(observe(UNKNOWN, 5_100, 1_000, 1_200)).toEqual({ offsetMs: 4_000, errorMs: 100 });
  });

  it('believes the fastest round trip', () => {
    const fast = observe(UNKNOWN, 5_010, 1_000, 1_020);
    expect(observe(fast, 6_190, 2_000, 2_200)).toBe(fast);
    expect(observe(fast, 6_004, 2_000, 2_010).errorMs).toBe(5);
  });

  it('forgets it when a later one contradicts it, as when a clock was set', () => {
    const fast = observe(UNKNOWN, 5_010, 1_000, 1_020);
    expect(observe(fast, 9_100, 1_500, 1_700)).toEqual({ offsetMs: 7_500, errorMs: 100 });
  });

  it('is never more wrong than it says, however long each way takes', () => {
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
