import { expect, it } from 'vitest';
import { Roster } from '../../../src/presence/roster';
import { NOBODY } from '../../../src/presence/session';

it('a roster stays in the order of time when the clock steps back, and expires nobody early', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 10_000);
  roster.set('second', 'release', 4_000, 4_000);
  roster.set('first', 'presence', 5_000, 5_000);
  expect([...roster].map(([id, { heardAt }]) => [id, heardAt])).toEqual([
    ['second', 10_000],
    ['first', 10_000],
  ]);
  expect(roster.expire(9_999)).toEqual([]);
  expect(roster.expire(10_000).map(([id]) => id)).toEqual(['second', 'first']);
  expect(roster.counts).toEqual(NOBODY);
});

it('a roster that has emptied takes any time', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 10_000);
  roster.delete('first');
  roster.set('second', 'release', 4_000, 4_000);
  expect(roster.expire(4_000)).toHaveLength(1);
});

it('a roster counts nobody who has left', () => {
  const roster = new Roster();
  roster.set('first', null, 10_000, 10_000);
  expect(roster.counts).toEqual(NOBODY);
  roster.delete('first');
  expect(roster.counts).toEqual(NOBODY);
});
