import { afterEach, describe, expect, it, vi } from 'vitest';
import { REAL_RUNTIME } from '../../src/runtime';

afterEach(() => void vi.useRealTimers());

describe('REAL_RUNTIME', () => {
  it('the real runtime has the clock of the machine, and its sleep ends when its time has passed', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'], now: 1_000 });
    expect(REAL_RUNTIME.now()).toBe(1_000);
    let hasEnded = false;
    const sleep = REAL_RUNTIME.sleep(5_000).then(() => {
      hasEnded = true;
    });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(hasEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await sleep;
    expect(REAL_RUNTIME.now()).toBe(6_000);
  });

  it('the real runtime has random numbers from 0 to below 1, and more than 50 of 100 differ', () => {
    const numbers = Array.from({ length: 100 }, () => REAL_RUNTIME.random());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(50);
  });
});
