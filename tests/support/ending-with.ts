import { HISTORY_STEPS } from '../../src/limits';

/** Returns the counts of a day that ends with these counts. All earlier counts are zero. */
export function endingWith(counts: readonly number[]): number[] {
  return [...Array(HISTORY_STEPS - counts.length).fill(0), ...counts];
}
