import { type Loads, speedRatios } from './loads';
import { median } from './median';
import { NAMES } from './races';

/** The ratio of two references here, and of other apps of the same designs on another machine. */
export interface ReferenceRatio {
  readonly what: string;
  readonly ratio: number;
  readonly elsewhere: number;
}

/** Returns ratios that show whether the references are as fast as such apps are elsewhere. */
export function referenceRatiosOf(loads: Loads): readonly ReferenceRatio[] {
  const speed = (name: string, other: string) => median(speedRatios(loads, name, other));
  return [
    {
      what: 'POST into a Map ÷ GET',
      ratio: speed(NAMES.honoPost, NAMES.honoGet),
      elsewhere: 11_300 / 16_600,
    },
    {
      what: 'with the validator ÷ without',
      ratio: speed(NAMES.validated, NAMES.honoPost),
      elsewhere: 10_700 / 11_300,
    },
    {
      what: 'shared key, 1,000 sessions ÷ with the validator',
      ratio: speed(NAMES.sharedKey1000, NAMES.validated),
      elsewhere: 382 / 10_700,
    },
    {
      what: 'shared key, 10,000 sessions ÷ 1,000',
      ratio: speed(NAMES.sharedKey10000, NAMES.sharedKey1000),
      elsewhere: 45 / 382,
    },
  ];
}
