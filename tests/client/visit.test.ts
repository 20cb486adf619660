// @vitest-environment happy-dom
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mergeVisits, newId, readVisit, saveVisit, type Visit } from '../../src/client/visit';
import { MOODS } from '../../src/moods';
import { SessionId } from '../../src/presence/session';

const SERVICE = 'https://presence.example';
const TTL_MS = 30_000;
const VISIT: Visit = {
  id: '5f0c954e-1c0b-4b4a-9d3b-6c1f6a5d9b10',
  since: 1_800_000_000_000,
  mood: 'release',
  choice: 3,
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  localStorage.clear();
});

describe('a stored visit', () => {
  it('keeps its id, its mood and its number of choices', () => {
    saveVisit(SERVICE, VISIT, TTL_MS);
    expect(readVisit(SERVICE)).toEqual(VISIT);
  });

  it('is another one for each service', () => {
    saveVisit(SERVICE, VISIT, TTL_MS);
    expect(readVisit('https://other.example')).toBeUndefined();
  });

  it('ends when it was not used for its time to live', () => {
    saveVisit(SERVICE, VISIT, TTL_MS);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(readVisit(SERVICE)).toEqual(VISIT);
    saveVisit(SERVICE, VISIT, TTL_MS);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(readVisit(SERVICE)).toEqual(VISIT);
    vi.advanceTimersByTime(1);
    expect(readVisit(SERVICE)).toBeUndefined();
  });

  it('ends when the clock was set back by more than its time to live', () => {
    saveVisit(SERVICE, VISIT, TTL_MS);
    vi.setSystemTime(Date.now() - TTL_MS);
    expect(readVisit(SERVICE)).toBeUndefined();
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['null', 'null'],
    ['the value of version 1.0', `${VISIT.id} 1700000000000`],
    ['an id that is no UUID', { id: 'anna' }],
    ['a beginning that is no number', { since: 'x' }],
    ['a mood that does not exist', { mood: 'happy' }],
    ['a negative choice', { choice: -1 }],
    ['a choice that is no number', { choice: 'x' }],
    ['a time that is no number', { usedAt: 'x' }],
  ])('is no visit with %s', (_, stored) => {
    saveVisit(SERVICE, VISIT, TTL_MS);
    const [key = '', value = ''] = Object.entries(localStorage)[0] ?? [];
    const changed = typeof stored === 'string' ? stored : JSON.stringify({ ...JSON.parse(value), ...stored });
    localStorage[key] = changed;
    expect(readVisit(SERVICE)).toBeUndefined();
  });

  it('does not exist where the page may not use the storage', () => {
    vi.stubGlobal('localStorage', undefined);
    saveVisit(SERVICE, VISIT, TTL_MS);
    expect(readVisit(SERVICE)).toBeUndefined();
    vi.unstubAllGlobals();
  });
});

describe('two visits that tabs join', () => {
  const visit = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    since: fc.integer({ min: 1_800_000_000_000, max: 1_800_000_000_002 }),
    mood: fc.constantFrom(...MOODS),
    choice: fc.constantFrom(0, 1_800_000_000_000, 1_800_000_000_001),
  });

  it('are the same in whatever order the tabs learn of each other', () => {
    void fc.assert(
      fc.property(visit, visit, visit, (a, b, c) => {
        const joined = mergeVisits(mergeVisits(a, b), c);
        expect(mergeVisits(mergeVisits(c, b), a)).toEqual(joined);
        expect(mergeVisits(joined, b)).toEqual(joined);
      }),
    );
  });

  it('have the mood that was chosen later, also where the clock was in 1970 at first', () => {
    const early: Visit = { ...VISIT, mood: 'gratitude', choice: 2_000_000 };
    const late: Visit = { ...VISIT, mood: 'release', choice: 1_800_000_000_000 };
    expect(mergeVisits(early, late)).toEqual(late);
    expect(mergeVisits(late, early)).toEqual(late);
  });

  it('have the id of the older one, and the mood that was chosen later', () => {
    const later: Visit = { id: 'a', since: VISIT.since + 1, mood: 'gratitude', choice: 4 };
    expect(mergeVisits(later, VISIT)).toEqual({ ...VISIT, mood: 'gratitude', choice: 4 });
  });
});

describe('a new id', () => {
  it.each([
    ['crypto.randomUUID', crypto],
    ['crypto.getRandomValues alone', { getRandomValues: crypto.getRandomValues.bind(crypto) }],
    ['a crypto without both', {}],
    ['no crypto', undefined],
  ])('is a UUID of version 4, another one each time, with %s', (_, value) => {
    vi.stubGlobal('crypto', value);
    const ids = Array.from({ length: 1_000 }, newId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) {
      expect(SessionId.parse(id)).toBe(id);
      expect(id).toMatch(/^.{14}4.{4}[89ab]/);
    }
    // Each digit that is random has all values.
    expect(new Set(ids.map((id) => id[0])).size).toBe(16);
  });
});
