import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The folders whose tests mostly wait: for a browser, or for the clock of a real service. */
const WAITING = ['browser', 'node/live'];
/** The folders whose tests compute for seconds, the longest first. A fresh clone has no times of earlier runs. */
const COMPUTING = [
  'node/simulator',
  'node/bundle',
  'node/hostile',
  'node/docs',
  'client/tabs-model',
  'node/faults',
  'node/isolates',
  'node/moods',
  'node/tools',
  'workerd/load',
];

/**
 * Sorts the test files so that two files that wait follow each one that computes. Otherwise all cores are idle at times. Files
 * that take less than a second are last.
 */
export class TakeTurns extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const inFolders = (folders: readonly string[]) =>
      folders.flatMap((folder) => sorted.filter(({ moduleId }) => moduleId.includes(`/tests/${folder}/`)));
    const [waiting, computing] = [inFolders(WAITING), inFolders(COMPUTING)];
    const rest = sorted.filter((file) => !waiting.includes(file) && !computing.includes(file));
    return [...alternate(computing, waiting), ...rest];
  }
}

/** One item of the first list and two of the second in turn, then the rest of the longer list. */
function alternate<Item>(first: readonly Item[], second: readonly Item[]): Item[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, n) => [
    ...first.slice(n, n + 1),
    ...second.slice(2 * n, 2 * n + 2),
  ]).flat();
}
