import type { SessionRecords } from './session';

/**
 * What is worth telling those who read `stored`, if `all` is true: the number of sessions that they take for here and that
 * are not, or the other way round, or for in another mood. That who is here still is, is no news.
 */
export function countNews(all: SessionRecords, stored: SessionRecords): number {
  let news = 0;
  for (const [id, { mood }] of all) if ((stored.get(id)?.mood ?? null) !== mood) news += 1;
  for (const [id, { mood }] of stored) if (mood !== null && !all.has(id)) news += 1;
  return news;
}
