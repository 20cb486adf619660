import { parentPort } from 'node:worker_threads';
import type { Scenario } from './scenario';
import { simulate } from './simulate';

// A thread of `runAll`: a scenario comes in, its result goes out.
parentPort?.on('message', async (scenario: Scenario) => parentPort?.postMessage(await simulate(scenario)));
