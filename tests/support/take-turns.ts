import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose files wait most of their time: for a browser, or for the clock of a real service. */
const WAITING = ['browser', 'node/live'];
/** Folders whose files compute for seconds, the longest first. A fresh clone has no times of earlier runs to know them by. */
const COMPUTING = [
  'node/simulator',
  'node/bundle',
  'node/hostile',
  'node/readme',
  'client/tabs-model',
  'node/faults',
  'node/isolates',
  'node/moods',
  'node/tools',
  'workerd/load',
];

/**
 * Orders the files so that half of the workers compute while the others wait. Otherwise all cores are idle at times. Files
 * that take less than a second fill the end.
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

/** One of each list in turn, then what is left of the longer one. */
function alternate<Item>(first: readonly Item[], second: readonly Item[]): Item[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, n) => [
    ...first.slice(n, n + 1),
    ...second.slice(2 * n, 2 * n + 2),
  ]).flat();
}
