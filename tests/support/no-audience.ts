import type { Audience } from '../../src/presence/room/room';

/** Nobody follows the count live. */
export const NO_AUDIENCE: Audience = {
  size: 0,
  tell: () => undefined,
  heardAt: () => undefined,
  noted: () => undefined,
  ended: () => undefined,
  refused: () => undefined,
};
