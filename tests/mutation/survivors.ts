/** A mutant that no test kills, and why. */
export interface Survivor {
  readonly file: string;
  /** What stands in the source, all white space made one blank; and what the mutant puts in its place. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Mutants that may survive. Each is equivalent, or `why` begins with "Not tested". */
export const SURVIVORS: readonly Survivor[] = [];
