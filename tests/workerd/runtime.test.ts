import { afterEach, describe, expect, it, vi } from 'vitest';
import { REAL_RUNTIME } from '../../src/runtime';

afterEach(() => void vi.useRealTimers());

describe('the real world', () => {
  it('has the clock of the machine, and wakes who sleeps when it is time', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'], now: 1_000 });
    expect(REAL_RUNTIME.now()).toBe(1_000);
    let isAwake = false;
    const sleep = REAL_RUNTIME.sleep(5_000).then(() => {
      isAwake = true;
    });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(isAwake).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await sleep;
    expect(REAL_RUNTIME.now()).toBe(6_000);
  });

  it('has dice that fall anywhere from 0 up to 1', () => {
    const throws = Array.from({ length: 100 }, () => REAL_RUNTIME.random());
    expect(throws.every((luck) => luck >= 0 && luck < 1)).toBe(true);
    expect(new Set(throws).size).toBeGreaterThan(50);
  });
});
