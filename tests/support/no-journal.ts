import type { Journal } from '../../src/presence/room/room-saver';

/** Saves nothing, and has no saved sessions. */
export const NO_JOURNAL: Journal = {
  read: () => ({ sessions: [], savedAt: undefined, lastBroadcasts: new Map() }),
  append: () => undefined,
};
