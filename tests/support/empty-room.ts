import { vi } from 'vitest';
import { emptyStorage } from './empty-storage';
import { FakeRuntime } from './fake-runtime';

/**
 * Empties the storage of the Worker, and returns a runtime whose clock is also that of the room, which reads `Date`. The caller ends
 * with `vi.useRealTimers()`.
 */
export async function emptyRoom(): Promise<FakeRuntime> {
  // This precedes `emptyStorage`, otherwise the last room sees 11 months pass and expires at each quarter of a second.
  vi.useFakeTimers({ toFake: ['Date'] });
  const runtime = new FakeRuntime();
  runtime.onTick = (now) => void vi.setSystemTime(now);
  await emptyStorage();
  return runtime;
}
