import { parentPort } from 'node:worker_threads';
import type { Fault } from './fault';
import { complaintAbout } from './notice';

// A thread of the command `faults`: a fault comes in, the first complaint goes out.
parentPort?.on('message', async (fault: Fault) => parentPort?.postMessage(await complaintAbout(fault)));
