import { build } from 'esbuild';
import { plantedMistake } from '../planted-mistake';
import type { PlantedBug } from './planted-bugs';
import type { OurHub } from './scenario';

/** A run of the simulator on production modules one of which has a bug. */
export type ViolationsOf = (seed: number, minutes: number, hub: OurHub) => Promise<readonly string[]>;

/** Bundles the simulator with the bug in its production module, as it is loaded, and returns its run. */
export async function plant(bug: PlantedBug | undefined): Promise<ViolationsOf> {
  const outfile = `${process.cwd()}/dist/simulation/${(bug?.name ?? 'no bug').replace(/\W/g, '-')}.mjs`;
  await build({
    entryPoints: ['tests/simulation/violations-of.ts'],
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
