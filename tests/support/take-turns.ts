import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait most of their time: for a browser, or for the clock of a real service. */
const WAITING = /\/tests\/(browser|node\/live)\//;
/** Files that compute for longest. A fresh clone has no times of earlier runs to know them by. */
const LONGEST = /\/tests\/node\/simulator\//;

/**
 * Starts a file that waits after each file that computes, so that neither the cores nor the waits stand in a row. The files
 * of workerd come last and together: a worker keeps its workerd for the next file only if that is of the same project.
 */
export class TakeTurns extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const inWorkerd = sorted.filter(({ project }) => project.name === 'workerd');
    const others = sorted.filter(({ project }) => project.name !== 'workerd');
    const waiting = others.filter(({ moduleId }) => WAITING.test(moduleId));
    const longest = others.filter(({ moduleId }) => LONGEST.test(moduleId));
    const rest = others.filter((file) => !waiting.includes(file) && !longest.includes(file));
    return [...alternate([...longest, ...rest], waiting), ...inWorkerd];
  }
}

/** One of each list in turn, then what is left of the longer one. */
function alternate<Item>(first: readonly Item[], second: readonly Item[]): Item[] {
  const length = Math.max(first.length, second.length);
  return Array.from({ length }, (_, n) => [...first.slice(n, n + 1), ...second.slice(n, n + 1)]).flat();
}
