import { resolve } from 'node:path';
import * as z from 'zod';
import { bundleForNode } from '../../../tests/support/bundle';
import { replaceBlock } from '../../markdown-block';
import { markdownTable } from '../../markdown-table';
import { givenOptions, parseOptions } from '../../options';
import { progress } from '../../progress';
import { onThreads } from '../../threads';
import type { Notice } from '../fault';
import { FAULTS } from '../faults';

const WORKER = resolve('tools/faults/dist/worker.js');

const Options = z.object({
  only: z.string().optional().describe('Plants only the faults with this text in their name.'),
});
const ABOUT =
  'Plants each fault in a copy of the production code, and writes docs/faults.md. It fails if a check misses its fault.';

const { only = '' } = parseOptions(Options, givenOptions(ABOUT, Options.shape));
const faults = FAULTS.filter(({ name }) => name.includes(only));
if (faults.length === 0) {
  console.error(`No fault has '${only}' in its name.`);
  process.exit(2);
}

await bundleForNode('tools/faults/worker.ts', WORKER);
const complaints = await onThreads<unknown, string | undefined>(WORKER, faults, (_, done) =>
  progress('faults', done, faults.length),
);

const rows = faults.map(({ name, file, noticedBy }, index) => [
  name,
  `\`src/${file}\``,
  checkOf(noticedBy),
  complaints[index] === undefined ? '**not noticed**' : 'noticed',
]);
const table = markdownTable(['fault', 'file', 'noticed by', 'result'], rows);
console.log(table);
if (only === '') replaceBlock('docs/faults.md', 'faults', table);

const missed = complaints.filter((complaint) => complaint === undefined).length;
console.log(`\n${faults.length} faults, ${missed} not noticed.`);
process.exitCode = missed === 0 ? 0 : 1;

function checkOf(notice: Notice): string {
  if ('simulator' in notice) return `simulator, ${notice.simulator}, seed ${notice.seed}`;
  return `hostile ${notice.hostile}${notice.isLogged ? ', log' : ''}`;
}
