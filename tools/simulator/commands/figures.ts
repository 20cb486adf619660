import { writeFile } from 'node:fs/promises';
import { givenOptions } from '../../options';
import { progress } from '../../progress';
import { SIZES } from '../cost/crowd-size';
import { waysOf } from '../cost/ways';
import { accuracyPage } from '../figures/accuracy-page';
import { drawAccuracy } from '../figures/accuracy-plot';
import { costPage } from '../figures/cost-page';
import { billsOf, drawCost } from '../figures/cost-plot';

// Writes the figures in docs/: `npm run figures`. Every number comes from a run with a seed, so they can be made again.

givenOptions('Writes accuracy.md, cost.md and their pictures in docs/. It takes no options.', {});

const crowds = SIZES.map((size) => ({ ...size, beatSeconds: 10, stayMinutes: 30 }));
const ways = await waysOf(crowds, (done, of) => progress('costs', done, of));
const sized = ways.map((way, index) => ({ size: SIZES[index] ?? SIZES[0], ways: way }));
await writeFile('docs/cost.svg', drawCost(sized.map((one) => billsOf(one.size, one.ways))));
await writeFile('docs/cost.md', costPage(sized));
await writeFile('docs/accuracy.svg', await drawAccuracy());
await writeFile('docs/accuracy.md', await accuracyPage());
