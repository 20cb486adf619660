import { resolve } from 'node:path';
import { bundleForNode } from '../../tests/support/bundle';
import { onThreads } from '../threads';
import type { Scenario } from './scenario';
import type { SimulationResult } from './simulate';

const WORKER = resolve('tools/simulator/dist/worker.js');

/** Runs scenarios on all cores and returns their results in the same order. `onResult` gets each result when it is there. */
export async function runAll(
  scenarios: readonly Scenario[],
  onResult: (result: SimulationResult, done: number) => void,
): Promise<readonly SimulationResult[]> {
  await bundleForNode('tools/simulator/worker.ts', WORKER);
  return onThreads(WORKER, scenarios, onResult);
}
