import { parentPort } from 'node:worker_threads';
import type { Fault } from './fault';
import { complaintAbout } from './notice';

// A thread of the command `faults` receives a fault and sends the first complaint back.
parentPort?.on('message', async (fault: Fault) => parentPort?.postMessage(await complaintAbout(fault)));
