import { HISTORY_STEPS } from '../../src/limits';

/** The counts of a day that ends with these. All others are zero. */
export function endingWith(counts: readonly number[]): number[] {
  return [...Array(HISTORY_STEPS - counts.length).fill(0), ...counts];
}
