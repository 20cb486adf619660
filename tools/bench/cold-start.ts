import { progress } from '../progress';
import { median } from './median';
import { type Figure, figureOf } from './noise';
import { startApps } from './running-app';

/** The times to the first answer: medians (ms). */
export interface ColdStart {
  /** From the start of the process. It includes the start of workerd. */
  readonly fromProcessStartMs: number;
  /** From when workerd runs. */
  readonly firstAnswerMs: number;
}

export interface ColdStarts {
  readonly ours: ColdStart;
  readonly bareHono: ColdStart;
  readonly bareWorkerd: ColdStart;
  /** The first answer of this project ÷ that of bare Hono, pair by pair. */
  readonly ratio: Figure;
}

const SCRIPTS = {
  ours: 'dist/index.js',
  bareHono: 'dist/bench/reference/bare.js',
  bareWorkerd: 'dist/bench/reference/workerd.js',
} as const;
const APPS = Object.keys(SCRIPTS) as readonly (keyof typeof SCRIPTS)[];

/** Starts a fresh isolate of each app in turn, and sends one request to it. */
export async function coldStarts(times: number): Promise<ColdStarts> {
  const starts: Record<keyof typeof SCRIPTS, ColdStart[]> = { ours: [], bareHono: [], bareWorkerd: [] };
  for (let round = 0; round <= times; round += 1) {
    for (const app of round % 2 === 0 ? APPS : APPS.toReversed()) {
      const start = await startOnce(SCRIPTS[app]);
      // The first round loads workerd into the machine's memory, and does not count.
      if (round > 0) starts[app].push(start);
    }
    progress('cold starts', round, times);
  }
  return {
    ours: medianOf(starts.ours),
    bareHono: medianOf(starts.bareHono),
    bareWorkerd: medianOf(starts.bareWorkerd),
    ratio: figureOf(
      starts.ours.map(
        ({ firstAnswerMs }, n) => firstAnswerMs / (starts.bareHono[n]?.firstAnswerMs ?? Number.NaN),
      ),
    ),
  };
}

async function startOnce(scriptPath: string): Promise<ColdStart> {
  const start = performance.now();
  const { apps, dispose } = await startApps([{ scriptPath }]);
  const up = performance.now();
  await apps[0]?.ask();
  const end = performance.now();
  await dispose();
  return { fromProcessStartMs: end - start, firstAnswerMs: end - up };
}

const medianOf = (starts: readonly ColdStart[]): ColdStart => ({
  fromProcessStartMs: median(starts.map(({ fromProcessStartMs }) => fromProcessStartMs)),
  firstAnswerMs: median(starts.map(({ firstAnswerMs }) => firstAnswerMs)),
});
