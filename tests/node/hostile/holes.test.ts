import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { HOLES } from '../../../tools/faults/holes';
import { plantedMistake } from '../../../tools/faults/planted-mistake';
import { HostileService } from './hostile-service';
import { HOSTILE_TABLE } from './hostile-table';

it.each(HOLES)('the table tells when $name', { timeout: 60_000 }, async (hole) => {
  const outfile = `dist/hostile/${hole.name.replace(/\W/g, '-')}.js`;
  await build({
    entryPoints: ['src/index.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    external: ['cloudflare:workers'],
    logLevel: 'error',
    plugins: [plantedMistake(hole)],
  });
  const complaints: string[] = [];
  for (const variables of variablesOf(hole.category)) {
    const service = new HostileService(outfile, variables);
    const rows = HOSTILE_TABLE.filter((row) => row.category === hole.category && row.variables === variables);
    for (const row of rows) if (complaints.length === 0) complaints.push(...(await service.complaints(row)));
    // So that an empty log means something where there is no hole.
    if (hole.isLogged) await expect.poll(() => service.log).not.toBe('');
    await service.dispose();
  }
  expect(complaints).not.toEqual([]);
});

const variablesOf = (category: string) =>
  new Set(HOSTILE_TABLE.filter((row) => row.category === category).map(({ variables }) => variables));
