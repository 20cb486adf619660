import { parentPort } from 'node:worker_threads';
import type { Scenario } from './scenario';
import { simulate } from './simulate';

// A thread of `runAll` receives a scenario and sends its result back.
parentPort?.on('message', async (scenario: Scenario) => parentPort?.postMessage(await simulate(scenario)));
