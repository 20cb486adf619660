/**
 * The moods, in the order of their keys in every answer. Types, schemas, counts, the OpenAPI document, the client and the page derive
 * from this list. A mood without a colour in `site/static/page.css` gets the default colour.
 */
export const MOODS = ['gratitude', 'presence', 'release', 'connection'] as const;
export type Mood = (typeof MOODS)[number];

/** The mood of a client that sets none: the second of the list. */
export const DEFAULT_MOOD = MOODS[1];
