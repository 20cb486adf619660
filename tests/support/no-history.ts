import type { HistoryStore } from '../../src/presence/room/room-saver';

/** Stores nothing, and has no stored rows. */
export const NO_HISTORY: HistoryStore = { read: () => [], write: () => undefined };
