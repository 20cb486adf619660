import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * Runs a script on one thread for each core, and sends each thread one input at a time. Returns the messages that the threads
 * send back, in the order of the inputs. `onOutput` gets each message when it arrives. Rejects when a thread throws.
 */
export async function onThreads<Input, Output>(
  script: string,
  inputs: readonly Input[],
  onOutput: (output: Output, done: number) => void,
): Promise<readonly Output[]> {
  const outputs: Output[] = [];
  let next = 0;
  let finished = 0;

  const work = async () => {
    const worker = new Worker(script);
    for (let index = next++; index < inputs.length; index = next++) {
      const output = await new Promise<Output>((done, fail) => {
        worker.once('message', done).once('error', fail);
        worker.postMessage(inputs[index]);
      });
      worker.removeAllListeners('error');
      outputs[index] = output;
      finished += 1;
      onOutput(output, finished);
    }
    await worker.terminate();
  };

  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return outputs;
}
