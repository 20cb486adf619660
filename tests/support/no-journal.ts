import type { Journal } from '../../src/presence/room/room';

/** Nothing is saved, and nothing was. */
export const NO_JOURNAL: Journal = {
  read: () => ({ sessions: [], savedAt: undefined, told: undefined }),
  append: () => undefined,
};
