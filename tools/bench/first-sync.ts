import { execFileSync } from 'node:child_process';
import { progress } from '../progress';
import { APP, APP_OF_1_0, FIRST_SYNC_PROCESS } from './build-workers';
import { type Figure, figureOf } from './noise';

/** CPU times of the first sync of an isolate (ms). */
export interface FirstSync {
  readonly sessions: number;
  /** With the stored sessions of another isolate. */
  readonly stored: Figure;
  /** With an empty key. */
  readonly empty: Figure;
  readonly storedOf1: Figure;
  readonly emptyOf1: Figure;
}

/** Measures first syncs in Node, each in a fresh process, with a KV that takes no time. */
export function firstSync(sessions: number, times: number): FirstSync {
  const variants = [
    { app: APP, sessions, ms: [] as number[] },
    { app: APP_OF_1_0, sessions, ms: [] as number[] },
    { app: APP, sessions: 0, ms: [] as number[] },
    { app: APP_OF_1_0, sessions: 0, ms: [] as number[] },
  ] as const;
  for (let time = 0; time < times; time += 1) {
    for (const { app, sessions: stored, ms } of time % 2 === 0 ? variants : variants.toReversed()) {
      const args = [FIRST_SYNC_PROCESS, app, String(stored)];
      ms.push(Number(execFileSync(process.execPath, args, { encoding: 'utf8' })));
    }
    progress('first syncs', time + 1, times);
  }
  const [stored, storedOf1, empty, emptyOf1] = variants;
  return {
    sessions,
    stored: figureOf(stored.ms),
    empty: figureOf(empty.ms),
    storedOf1: figureOf(storedOf1.ms),
    emptyOf1: figureOf(emptyOf1.ms),
  };
}
