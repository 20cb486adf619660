import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { historyOf as historyAt } from '../../../src/presence/history';
import { endingWith } from '../../support/ending-with';

// This is the served file, not its source.
const { sentencesIn } = await import(/* @vite-ignore */ pathToFileURL('dist/site/sentences.js').href);
const { heading, note, day, spoken } = sentencesIn('en');

const STEP_MS = 300_000;
/** The start of a step. */
const STEP = 5_666_666 * STEP_MS;
/** The page opens a minute later. */
const CAME_AT = STEP + 60_000;

const counted = (others: number) => ({ isCounted: true, others, count: others + 1, status: 'live' });
const watching = (count: number) => ({ isCounted: false, others: count, count, status: 'live' });

/** Returns an answer of a second after the page opened, which ends with these counts. */
const historyOf = (visits: number, ...counts: readonly number[]) =>
  historyAt(CAME_AT + 1_000, endingWith(counts), visits);

describe('the words around the number', () => {
  it.each([
    [counted(0), { headline: 'You are here' }],
    [counted(1), { lead: 'Breathing with', unit: 'other person' }],
    [counted(2), { lead: 'Breathing with', unit: 'others' }],
    [counted(1_234_566), { lead: 'Breathing with', unit: 'others' }],
    [watching(0), { headline: 'No one is here now' }],
    [watching(1), { lead: 'Breathing here now', unit: 'person' }],
    [watching(42), { lead: 'Breathing here now', unit: 'people' }],
    [
      { isCounted: true, others: null },
      { lead: 'Breathing with', unit: 'others' },
    ],
    [
      { isCounted: false, others: null },
      { lead: 'Breathing here now', unit: 'people' },
    ],
  ])('the heading of %j is %j', (crowd, words) => {
    expect(heading(crowd)).toEqual(words);
  });
});

describe('the sentence below the number', () => {
  it.each([
    ['alone on a day of many', counted(0), historyOf(212, 17, 1), '212 breathed here today, 17 at once.'],
    ['alone after others, one at a time', counted(0), historyOf(5, 1, 0, 1), '5 breathed here today.'],
    ['alone without a visit in the answer yet', counted(0), historyOf(0), 'You are the first today.'],
    ['alone with only the own visit', counted(0), historyOf(1, 1), 'You are the first today.'],
    ['alone, a day after a crowd', counted(0), historyOf(3, 17, 1), '17 breathed here together today.'],
    ['two on a quiet day', counted(1), historyOf(1, 1), '2 breathed here together today.'],
    ['two after another visit', counted(1), historyOf(3, 1, 0, 2), '3 breathed here today, 2 at once.'],
    [
      'more people than the history has',
      counted(127),
      historyOf(130, 120),
      '130 breathed here today, 128 at once.',
    ],
    ['a steady crowd', counted(16), historyOf(0, 17, 17), '17 breathed here together today.'],
    [
      'a million',
      counted(1_234_566),
      historyOf(9_000_000, 1_234_567),
      '9,000,000 breathed here today, 1,234,567 at once.',
    ],
    ['watching no people on an empty day', watching(0), historyOf(0), 'No one has come yet today.'],
    ['watching no people after one visit', watching(0), historyOf(1, 1, 0), '1 person breathed here today.'],
    [
      'watching no people, a day after the last one',
      watching(0),
      historyOf(0, 1, 0),
      '1 person breathed here today.',
    ],
    ['watching one', watching(1), historyOf(0), '1 person breathed here today.'],
    [
      'watching no people after many',
      watching(0),
      historyOf(212, 17, 0),
      '212 breathed here today, 17 at once.',
    ],
    ['alone without a history', counted(0), null, 'The next person to come breathes with you.'],
    ['two without a history', counted(1), null, ''],
    ['watching no people without a history', watching(0), null, ''],
  ])('the note has its sentence: %s', (_, crowd, history, sentence) => {
    expect(note({ ...crowd, history, cameAt: CAME_AT })).toBe(sentence);
  });

  it('the note does not call a visitor the first if the one visit of the history may be another one', () => {
    const earlier = historyOf(1, 1, 0, 0);
    expect(note({ ...counted(0), history: earlier, cameAt: CAME_AT })).toBe(
      'The next person to come breathes with you.',
    );
    // A cached answer, whose last step ended before the page opened.
    const cached = { ...historyOf(1, 1), timestamp: STEP - 1 };
    expect(note({ ...counted(0), history: cached, cameAt: CAME_AT })).toBe(
      'The next person to come breathes with you.',
    );
  });

  it('the note still calls a visitor the first two steps later', () => {
    const later = { ...historyOf(1, 1, 1, 1), timestamp: CAME_AT + 2 * STEP_MS };
    expect(note({ ...counted(0), history: later, cameAt: CAME_AT })).toBe('You are the first today.');
  });
});

describe('the history for screen readers', () => {
  const at = (steps: number) =>
    new Date(STEP - steps * STEP_MS).toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });

  it.each([
    [`212 visits, at most 17 people at once, at ${at(1)}.`, historyOf(212, 17, 0), 1],
    [`1 visit, at most 1 person at once, at ${at(0)}.`, historyOf(1, 1), 1],
    ['1 visit, at most 1 person at once, now.', historyOf(0), 1],
    ['no visits.', historyOf(0), 0],
    [`at most 17 people at once, at ${at(0)}.`, historyOf(3, 17), 17],
    ['212 visits, at most 18 people at once, now.', historyOf(212, 17), 18],
    [`9,000,000 visits, at most 1,234,567 people at once, at ${at(0)}.`, historyOf(9_000_000, 1_234_567), 1],
  ])('screen readers get the history: %s', (facts, history, count) => {
    expect(day({ history, count })).toBe(`The last 24 hours: ${facts}`);
  });
});

describe('the number for screen readers', () => {
  it.each([
    [counted(0), 'You are here.'],
    [{ ...counted(0), isCircle: true }, 'You are here in this circle.'],
    [counted(1), 'Breathing with 1 other person.'],
    [{ ...counted(127), isCircle: true }, 'Breathing with 127 others in this circle.'],
    [watching(0), 'No one is here now.'],
    [{ ...watching(0), isCircle: true }, 'No one is here now in this circle.'],
    [watching(1), '1 person is breathing here now.'],
    [watching(1_234_567), '1,234,567 people are breathing here now.'],
    [{ ...watching(2), isCircle: true }, '2 people are breathing in this circle.'],
    [{ ...counted(1), status: 'stale' }, 'Reconnecting. The last count was 2 people.'],
    [{ ...counted(0), status: 'stale' }, 'Reconnecting. The last count was 1 person.'],
    [{ status: 'connecting', isCounted: true, others: null }, 'Connecting.'],
    [{ status: 'idle', isCounted: true, others: null }, 'There is no such circle.'],
  ])('screen readers get for %j: %s', (crowd, sentence) => {
    expect(spoken(crowd)).toBe(sentence);
  });
});

it('numbers are written in the language of the page', () => {
  const german = sentencesIn('de');
  expect(german.spoken(counted(6_911))).toBe('Breathing with 6.911 others.');
  expect(german.note({ ...counted(0), history: historyOf(1_234, 17, 0), cameAt: CAME_AT })).toContain(
    '1.234',
  );
  expect(german.timeOf(STEP)).not.toMatch(/[AP]M/);
});
