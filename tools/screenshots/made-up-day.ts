import type { PresenceHistory } from '../../src/client/types';
import { HISTORY_STEPS as STEPS } from '../../src/limits';
import { historyOf } from '../../src/presence/history';

/** The number of last steps in which the curve approaches the number of people now. */
const LAST_STEPS = 48;

/**
 * A history with a morning and an evening, the same in every run.
 *
 * @param most The most people at once.
 * @param now The people now.
 */
export function madeUpDay({
  visits,
  most,
  now,
}: {
  visits: number;
  most: number;
  now: number;
}): PresenceHistory {
  const shape = Array.from({ length: STEPS }, (_, step) => {
    const part = step / STEPS;
    const ripple = 1 + 0.3 * Math.sin(47 * part) * Math.sin(113 * part + 1);
    return (hill(part, 0.31, 0.075) + 0.72 * hill(part, 0.72, 0.08) + 0.07) * ripple;
  });
  const top = Math.max(...shape);
  const counts = shape.map((height, step) => {
    const nearNow = Math.cos((Math.PI / 2) * Math.min(1, (STEPS - 1 - step) / LAST_STEPS)) ** 2;
    return Math.round((most * height * (1 - nearNow)) / top + now * nearNow);
  });
  return historyOf(Date.now(), counts, visits);
}

/** 1 in the middle, and close to 0 twice the width from it. */
const hill = (part: number, middle: number, width: number) => Math.exp(-(((part - middle) / width) ** 2));
