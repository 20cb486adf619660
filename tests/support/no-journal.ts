import type { Journal } from '../../src/presence/room/room-saver';

/** A journal without sessions. `append` saves nothing. */
export const NO_JOURNAL: Journal = {
  read: () => ({ sessions: [], savedAt: undefined, lastBroadcasts: new Map() }),
  append: () => undefined,
};
