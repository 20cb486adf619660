// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepVisitId, visitId } from '../../src/client/session-id';
import { SessionId } from '../../src/presence/session';

const TTL_MS = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  localStorage.clear();
});

describe('the id of a visit', () => {
  it('is what the service takes for an id', () => {
    const id = visitId(TTL_MS);
    expect(SessionId.parse(id)).toBe(id);
  });

  it('stays the same while it is used, and is replaced when it was not for the time to live', () => {
    const id = visitId(TTL_MS);
    keepVisitId(id);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(visitId(TTL_MS)).toBe(id);
    keepVisitId(id);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(visitId(TTL_MS)).toBe(id);
    vi.advanceTimersByTime(1);
    expect(visitId(TTL_MS)).not.toBe(id);
  });

  it('is replaced when the clock was set back by more than that', () => {
    const id = visitId(TTL_MS);
    keepVisitId(id);
    vi.setSystemTime(Date.now() - TTL_MS);
    expect(visitId(TTL_MS)).not.toBe(id);
  });

  it.each(['', 'nonsense', 'x y', '{"a":1}', ' '])('is replaced where the storage has %j', (stored) => {
    keepVisitId('x');
    localStorage[Object.keys(localStorage)[0] ?? ''] = stored;
    expect(SessionId.safeParse(visitId(TTL_MS)).success).toBe(true);
  });

  it('is new every time where nothing may be stored', () => {
    vi.stubGlobal('localStorage', undefined);
    const id = visitId(TTL_MS);
    keepVisitId(id);
    expect(SessionId.parse(visitId(TTL_MS))).not.toBe(id);
    vi.unstubAllGlobals();
  });
});
