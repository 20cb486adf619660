import { writeFile } from 'node:fs/promises';
import { givenOptions } from '../options';
import { progress } from '../progress';
import { plant } from './plant';
import { PLANTED_BUGS } from './planted-bugs';

// Writes in how many of a hundred seeds each planted bug is caught: `npm run simulate:bugs`.

const SEEDS = 100;

givenOptions(`Plants each bug in ${SEEDS} worlds, and writes docs/planted-bugs.md. It takes no options.`, {});

const rows: string[] = [];
for (const [index, bug] of PLANTED_BUGS.entries()) {
  const violationsOf = await plant(bug);
  const caught: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    if ((await violationsOf(seed, 10, bug.hub ?? 'kv')).length > 0) caught.push(seed);
  }
  rows.push(
    `| ${bug.name} | \`src/${bug.file}\` | ${bug.hub ?? 'kv'} | ${caught.length} | ${caught[0] ?? 'never'} |`,
  );
  progress('bugs', index + 1, PLANTED_BUGS.length);
}

const page = `<!-- Written by \`npm run simulate:bugs\`. -->
# Planted bugs

Mistakes put into the production modules one at a time, as the simulator loads them (\`tools/faults/planted-bugs.ts\`), and in how many
of the seeds 1 to ${SEEDS} an invariant catches them.

| bug | in | worlds with | caught in, of ${SEEDS} seeds | first by seed |
|---|---|---|---|---|
${rows.join('\n')}

Not among them: no jitter of the sync interval. It breaks nothing that could be caught; [accuracy.md](accuracy.md) says what it does.
`;
await writeFile('docs/planted-bugs.md', page);
console.log(page);
