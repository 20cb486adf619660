import { build } from 'esbuild';
import type { OurHub } from '../simulator/scenario';
import type { PlantedBug } from './planted-bugs';
import { plantedMistake } from './planted-mistake';

/** A run of the simulator on production modules one of which has a bug. */
export type ViolationsOf = (seed: number, minutes: number, hub: OurHub) => Promise<readonly string[]>;

/** Bundles the simulator with the bug in its production module, as it is loaded, and returns its run. */
export async function plant(bug: PlantedBug | undefined): Promise<ViolationsOf> {
  const outfile = `${process.cwd()}/dist/simulation/${(bug?.name ?? 'no bug').replace(/\W/g, '-')}.mjs`;
  await build({
    entryPoints: ['tools/simulator/violations-of.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: bug === undefined ? [] : [plantedMistake(bug)],
  });
  const { violationsOf } = (await import(/* @vite-ignore */ outfile)) as { violationsOf: ViolationsOf };
  return violationsOf;
}
