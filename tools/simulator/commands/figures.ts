import { writeFile } from 'node:fs/promises';
import { replaceBlock } from '../../markdown-block';
import { givenOptions } from '../../options';
import { progress } from '../../progress';
import { SIZES } from '../cost/crowd-size';
import { waysOf } from '../cost/ways';
import { drawAccuracy } from '../figures/accuracy-plot';
import { accuracyTables } from '../figures/accuracy-tables';
import { billsOf, drawCost } from '../figures/cost-plot';
import { costTables } from '../figures/cost-tables';
import { drawFrontier } from '../figures/frontier-plot';

// Writes the figures in docs/: `npm run simulate -- figures`. Each number is from a run with a seed, so a rerun repeats it.

const ABOUT =
  'Writes the tables of docs/accuracy.md and docs/cost.md, and their pictures. It takes no options.';

givenOptions(ABOUT, {});

const crowds = SIZES.map((size) => ({ ...size, beatSeconds: 10, stayMinutes: 30 }));
const ways = await waysOf(crowds, (done, of) => progress('costs', done, of));
const sized = ways.map((way, index) => ({ size: SIZES[index] ?? SIZES[0], ways: way }));
await writeFile('docs/cost.svg', drawCost(sized.map((one) => billsOf(one.size, one.ways))));
for (const [name, table] of Object.entries(costTables(sized))) replaceBlock('docs/cost.md', name, table);
await writeFile('docs/accuracy.svg', await drawAccuracy());
await writeFile('docs/frontier.svg', await drawFrontier());
for (const [name, table] of Object.entries(await accuracyTables())) {
  replaceBlock('docs/accuracy.md', name, table);
}
