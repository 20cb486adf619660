/** Returns the arithmetic mean, or 0 if there are no numbers. */
export const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, number) => sum + number, 0) / Math.max(numbers.length, 1);
