import { expect, it } from 'vitest';
import { Roster } from '../../../src/presence/roster';
import { ZERO_COUNTS } from '../../../src/presence/session';

it('a roster stays in the order of expiry when the clock steps back, and expires no session early', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 10_000);
  roster.set('second', 'release', 4_000, 4_000);
  roster.set('first', 'presence', 5_000, 5_000);
  expect([...roster].map(([id, { expiresAt }]) => [id, expiresAt])).toEqual([
    ['second', 10_000],
    ['first', 10_000],
  ]);
  expect(roster.expire(9_999)).toEqual([]);
  expect(roster.expire(10_000).map(([id]) => id)).toEqual(['second', 'first']);
  expect(roster.counts.of('')).toEqual(ZERO_COUNTS);
});

it('an emptied roster accepts an entry that expires earlier than the deleted one', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 10_000);
  roster.delete('first');
  roster.set('second', 'release', 4_000, 4_000);
  expect(roster.expire(4_000)).toHaveLength(1);
});

it('a roster counts no tombstone', () => {
  const roster = new Roster();
  roster.set('first', null, 10_000, 10_000);
  expect(roster.counts.of('')).toEqual(ZERO_COUNTS);
  roster.delete('first');
  expect(roster.counts.of('')).toEqual(ZERO_COUNTS);
});

it('a restamp keeps the place and the expiry of an entry', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 5_000);
  roster.set('second', 'release', 20_000, 6_000);
  roster.restamp('first', 'gratitude', 7_000);
  expect([...roster][0]).toEqual(['first', { mood: 'gratitude', expiresAt: 10_000, lastSeen: 7_000 }]);
  expect(roster.counts.of('')).toEqual({ ...ZERO_COUNTS, gratitude: 1, release: 1 });
});

it('a cleared roster is empty, and accepts an entry that expires earlier than the cleared one', () => {
  const roster = new Roster();
  roster.set('first', 'presence', 10_000, 5_000);
  roster.clear();
  expect(roster.counts.of('')).toEqual(ZERO_COUNTS);
  roster.set('second', 'release', 4_000, 4_000);
  expect(roster.expire(4_000)).toHaveLength(1);
});
