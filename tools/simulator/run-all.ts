import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundleForNode } from '../../tests/support/bundle';
import type { Scenario } from './scenario';
import type { SimulationResult } from './simulate';

const WORKER = resolve('tools/simulator/dist/worker.js');

/** Runs scenarios on all cores and returns their results in the same order; `onResult` hears of each as it comes. */
export async function runAll(
  scenarios: readonly Scenario[],
  onResult: (result: SimulationResult, done: number) => void,
): Promise<readonly SimulationResult[]> {
  await bundleForNode('tools/simulator/worker.ts', WORKER);
  const results: SimulationResult[] = [];
  let next = 0;
  let finished = 0;

  const work = async () => {
    const worker = new Worker(WORKER);
    for (let index = next++; index < scenarios.length; index = next++) {
      const result = await new Promise<SimulationResult>((done, fail) => {
        worker.once('message', done).once('error', fail);
        worker.postMessage(scenarios[index]);
      });
      worker.removeAllListeners('error');
      results[index] = result;
      finished += 1;
      onResult(result, finished);
    }
    await worker.terminate();
  };

  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}
