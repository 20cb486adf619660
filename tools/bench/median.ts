import { percentile } from './percentile';

export const median = (numbers: readonly number[]): number => percentile(numbers, 0.5);
