import { progress } from '../progress';
import { median } from './median';
import { startApps } from './running-app';

export interface ColdStart {
  /** From nothing to the first answer, workerd's own start included: medians (ms). */
  readonly oursMs: number;
  readonly bareMs: number;
  /** The median of ours ÷ bare, pair by pair. */
  readonly ratio: number;
  /** The first answer alone, once workerd is up: medians (ms). */
  readonly oursFirstAnswerMs: number;
  readonly bareFirstAnswerMs: number;
}

/** Starts fresh isolates in turn, and asks each once. */
export async function coldStarts(times: number): Promise<ColdStart> {
  const ours: { total: number; answer: number }[] = [];
  const bare: { total: number; answer: number }[] = [];
  for (let round = 0; round <= times; round += 1) {
    const pair = [
      { script: 'dist/index.js', took: ours },
      { script: 'dist/bench/reference/bare.js', took: bare },
    ];
    for (const { script, took } of round % 2 === 0 ? pair : pair.reverse()) {
      const once = await startOnce(script);
      // The first round brings workerd into the machine's memory.
      if (round > 0) took.push(once);
    }
    progress('cold starts', round, times);
  }
  return {
    oursMs: median(ours.map(({ total }) => total)),
    bareMs: median(bare.map(({ total }) => total)),
    ratio: median(ours.map(({ total }, n) => total / (bare[n]?.total ?? Number.NaN))),
    oursFirstAnswerMs: median(ours.map(({ answer }) => answer)),
    bareFirstAnswerMs: median(bare.map(({ answer }) => answer)),
  };
}

async function startOnce(scriptPath: string): Promise<{ total: number; answer: number }> {
  const start = performance.now();
  const { apps, dispose } = await startApps([{ scriptPath }]);
  const up = performance.now();
  await apps[0]?.ask();
  const end = performance.now();
  await dispose();
  return { total: end - start, answer: end - up };
}
