import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Scenario } from './scenario';
import type { SimulationResult } from './simulate';

/** Runs scenarios on all cores and returns their results in the same order; `onResult` hears of each as it comes. */
export async function runAll(
  scenarios: readonly Scenario[],
  onResult: (result: SimulationResult, done: number) => void,
): Promise<readonly SimulationResult[]> {
  const results: SimulationResult[] = [];
  let next = 0;
  let done = 0;

  const work = async () => {
    const worker = new Worker(join(import.meta.dirname, 'worker.js'));
    for (let index = next++; index < scenarios.length; index = next++) {
      const result = await new Promise<SimulationResult>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.postMessage(scenarios[index]);
      });
      worker.removeAllListeners('error');
      results[index] = result;
      done += 1;
      onResult(result, done);
    }
    await worker.terminate();
  };

  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}
