import { type Loads, p99Ratios, speedRatios } from './loads';
import { noiseOf } from './noise';
import { NAMES } from './races';

/** The copy of a reference ÷ its original, round by round. Each ratio would be 1 on a machine without noise. */
interface CopyNoise {
  readonly ratios: readonly number[];
  /** Twice the standard error of the median of such ratios. */
  readonly noise: number;
}

/** The noise of each ratio between contenders of one workerd. */
export interface CopyNoises {
  readonly speed: CopyNoise;
  readonly p99: CopyNoise;
}

export const copyNoises = (loads: Loads): CopyNoises => ({
  speed: copyNoise(speedRatios(loads, NAMES.validatedAgain, NAMES.validated)),
  p99: copyNoise(p99Ratios(loads, NAMES.validatedAgain, NAMES.validated)),
});

const copyNoise = (ratios: readonly number[]): CopyNoise => ({ ratios, noise: noiseOf(ratios, 1) });
