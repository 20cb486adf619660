import { expect, it } from 'vitest';
import { countNews } from '../../../src/presence/news';
import type { Mood, SessionRecords } from '../../../src/presence/session';
import { sessionId } from '../../support/session-id';

/** Anna, as somebody knows of her: in a mood, gone (`null`), or not at all. */
const anna = (mood: Mood | null | undefined, lastSeen = 1_000): SessionRecords =>
  new Map(mood === undefined ? [] : [[sessionId(1), { mood, lastSeen }]]);

it.each([
  ['who came', anna('presence'), anna(undefined), 1],
  ['who came back', anna('presence'), anna(null), 1],
  ['who left', anna(null), anna('presence'), 1],
  ['who is forgotten here and still stands there', anna(undefined), anna('presence'), 1],
  ['who is in another mood', anna('release'), anna('presence'), 1],
  ['not who is still here, however long ago that was told', anna('presence', 99_000), anna('presence'), 0],
  ['not the end of somebody who was never told of', anna(null), anna(undefined), 0],
  ['not the end that stands there already', anna(undefined), anna(null), 0],
])('news is %s', (_what, all, stored, news) => {
  expect(countNews(all, stored)).toBe(news);
});
