import type { Badge } from './answer-schemas';

export const DEFAULT_LABEL = 'breathing now';

/** The colour of the mood `presence` on the page. */
const COLOUR = '#3f9a8d';
/** A grey, for a count of zero. */
const COLOUR_OF_NONE = '#9aa3a2';

/** Returns the count in the format of badge services: https://shields.io/badges/endpoint-badge */
export function badgeOf(count: number, label = DEFAULT_LABEL): Badge {
  return { schemaVersion: 1, label, message: String(count), color: count === 0 ? COLOUR_OF_NONE : COLOUR };
}
