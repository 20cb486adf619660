import { parentPort } from 'node:worker_threads';
import type { Fault } from './fault';
import { complaintAbout } from './notice';

// A thread of the command `faults` receives a fault and sends the first complaint back.
parentPort?.on('message', async (fault: Fault) => {
  const complaint = complaintAbout(fault).catch((error: unknown) => {
    throw new Error(`The code with the fault '${fault.name}' does not run.`, { cause: error });
  });
  parentPort?.postMessage(await complaint);
});
