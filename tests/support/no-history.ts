import type { HistoryStore } from '../../src/presence/room/room-saver';

/** A history store without rows. `write` stores nothing. */
export const NO_HISTORY: HistoryStore = { read: () => [], write: () => undefined };
