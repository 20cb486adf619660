import { median } from './median';

/** A median and its noise: twice its standard error as a part of it, 0.02 for 2 %. */
export interface Figure {
  readonly median: number;
  readonly noise: number;
}

/** Returns the median of the samples. The noise comes from their spread around it. */
export const figureOf = (samples: readonly number[]): Figure => ({
  median: median(samples),
  noise: noiseOf(samples, median(samples)),
});

/**
 * Twice the standard error of the median of samples around `centre`, as a part of `centre`. In a normal distribution a standard
 * deviation is 1.48 median distances from the centre. The standard error of a median is 1.25 standard deviations ÷ √samples.
 */
export function noiseOf(samples: readonly number[], centre: number): number {
  const distance = median(samples.map((sample) => Math.abs(sample - centre))) / centre;
  return (2 * 1.25 * 1.48 * distance) / Math.sqrt(samples.length);
}
