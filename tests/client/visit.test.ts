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

/** Replaces the stored text, or the given keys of it. */
function changeStored(stored: string | object) {
  const [key = '', value = ''] = Object.entries(localStorage)[0] ?? [];
  localStorage[key] =
    typeof stored === 'string' ? stored : JSON.stringify({ ...JSON.parse(value), ...stored });
}

describe('stored visits', () => {
  it('a stored visit keeps its id, its beginning, its mood and its choice', () => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    expect(readVisit(SERVICE, '')).toMatchObject(VISIT);
  });

  it('each service has its own stored visit', () => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    expect(readVisit('https://other.example', '')).toBeUndefined();
  });

  it('a stored visit ends when no tab saves it for its time to live', () => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(readVisit(SERVICE, '')).toMatchObject(VISIT);
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect(readVisit(SERVICE, '')).toMatchObject(VISIT);
    vi.advanceTimersByTime(1);
    expect(readVisit(SERVICE, '')).toBeUndefined();
  });

  it('a stored visit ends when the clock is set back by its time to live', () => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    vi.setSystemTime(Date.now() - TTL_MS);
    expect(readVisit(SERVICE, '')).toBeUndefined();
  });

  it.each([
    ['text that is not JSON', 'nonsense'],
    ['the JSON null', 'null'],
    ['the format of version 1.0', `${VISIT.id} 1700000000000`],
    ['an id that is no UUID', { id: 'anna' }],
    ['a beginning that is no number', { since: 'x' }],
    ['moods that are null', { moods: null }],
    ['a mood without its choice', { moods: { '/': 5 } }],
    ['a time of use that is no number', { usedAt: 'x' }],
    ['a time to live that is no number', { ttlMs: 'x' }],
  ])('a stored value with %s is no visit', (_, stored) => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    changeStored(stored);
    expect(readVisit(SERVICE, '')).toBeUndefined();
    saveVisit(SERVICE, '', VISIT, TTL_MS, readVisit(SERVICE, ''));
    expect(readVisit(SERVICE, '')).toMatchObject(VISIT);
  });

  it.each([
    ['a mood that does not exist', ['happy', 1]],
    ['a negative choice', ['release', -1]],
    ['a choice that is no number', ['release', 'x']],
    ['a mood of another channel only', undefined],
  ])('a stored visit with %s has an id and no mood', (_, mood) => {
    saveVisit(SERVICE, 'lobby', VISIT, TTL_MS);
    changeStored({ moods: { '/lobby': ['gratitude', 2], '/': mood } });
    const { id, since } = VISIT;
    const visit = readVisit(SERVICE, '');
    expect(visit).toMatchObject({ id, since });
    expect(visit).not.toHaveProperty('mood');
    expect(visit).not.toHaveProperty('choice');
  });

  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'])(
    'a stored visit has no mood of the channel %s before a tab stores one',
    (channel) => {
      saveVisit(SERVICE, '', VISIT, TTL_MS);
      const visit = readVisit(SERVICE, channel);
      expect(visit).toMatchObject({ id: VISIT.id });
      expect(visit).not.toHaveProperty('mood');
      saveVisit(SERVICE, channel, { ...VISIT, mood: 'gratitude' }, TTL_MS, visit);
      expect(readVisit(SERVICE, channel)).toMatchObject({ mood: 'gratitude', choice: 3 });
      expect(readVisit(SERVICE, '')).toMatchObject(VISIT);
    },
  );

  it('a stored visit keeps no mood that was not chosen', () => {
    // Otherwise the visit lists each channel that the browser has opened.
    saveVisit(SERVICE, 'lobby', { ...VISIT, choice: 0 }, TTL_MS);
    expect(readVisit(SERVICE, 'lobby')).toMatchObject({ id: VISIT.id, moods: {} });
    expect(readVisit(SERVICE, 'lobby')).not.toHaveProperty('mood');
  });

  it('a stored visit lives for the longest time to live of its channels, and no longer', () => {
    saveVisit(SERVICE, 'slow', VISIT, 3 * TTL_MS);
    vi.advanceTimersByTime(TTL_MS / 2);
    saveVisit(SERVICE, '', VISIT, TTL_MS, readVisit(SERVICE, ''));
    vi.advanceTimersByTime(2.5 * TTL_MS - 1);
    expect(readVisit(SERVICE, 'slow')).toMatchObject({ id: VISIT.id });
    vi.advanceTimersByTime(1);
    expect(readVisit(SERVICE, 'slow')).toBeUndefined();
  });

  it('a stored visit lives no longer if the clock is set back between two saves', () => {
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    for (let use = 0; use < 5; use++) {
      vi.setSystemTime(Date.now() - TTL_MS / 2);
      saveVisit(SERVICE, '', VISIT, TTL_MS, readVisit(SERVICE, ''));
    }
    vi.advanceTimersByTime(TTL_MS);
    expect(readVisit(SERVICE, '')).toBeUndefined();
  });

  it('a page without storage has no stored visit', () => {
    vi.stubGlobal('localStorage', undefined);
    saveVisit(SERVICE, '', VISIT, TTL_MS);
    expect(readVisit(SERVICE, '')).toBeUndefined();
    vi.unstubAllGlobals();
  });
});

describe('merged visits', () => {
  const visit = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    since: fc.integer({ min: 1_800_000_000_000, max: 1_800_000_000_002 }),
    mood: fc.constantFrom(...MOODS),
    choice: fc.constantFrom(0, 1_800_000_000_000, 1_800_000_000_001),
  });

  it('the order of merges does not change the merged visit', () => {
    void fc.assert(
      fc.property(visit, visit, visit, (a, b, c) => {
        const merged = mergeVisits(mergeVisits(a, b), c);
        expect(mergeVisits(mergeVisits(c, b), a)).toEqual(merged);
        expect(mergeVisits(merged, b)).toEqual(merged);
      }),
    );
  });

  it('a merged visit has the mood of the later choice, also after a clock in 1970', () => {
    const early: Visit = { ...VISIT, mood: 'gratitude', choice: 2_000_000 };
    const late: Visit = { ...VISIT, mood: 'release', choice: 1_800_000_000_000 };
    expect(mergeVisits(early, late)).toEqual(late);
    expect(mergeVisits(late, early)).toEqual(late);
  });

  it('a merged visit has the id of the older visit and the mood of the later choice', () => {
    const later: Visit = { id: 'a', since: VISIT.since + 1, mood: 'gratitude', choice: 4 };
    expect(mergeVisits(later, VISIT)).toEqual({ ...VISIT, mood: 'gratitude', choice: 4 });
  });
});

describe('new ids', () => {
  it.each([
    ['with crypto.randomUUID', crypto],
    ['with crypto.getRandomValues alone', { getRandomValues: crypto.getRandomValues.bind(crypto) }],
    ['with a crypto without both', {}],
    ['without crypto', undefined],
  ])('1,000 new ids are different UUIDs of version 4 %s', (_, value) => {
    vi.stubGlobal('crypto', value);
    const ids = Array.from({ length: 1_000 }, newId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) {
      expect(SessionId.parse(id)).toBe(id);
      expect(id).toMatch(/^.{14}4.{4}[89ab]/);
    }
    // The first digit has all 16 values.
    expect(new Set(ids.map((id) => id[0])).size).toBe(16);
  });
});
