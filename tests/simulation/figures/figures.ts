import { writeFile } from 'node:fs/promises';
import { accuracyPage } from './accuracy-page';
import { drawAccuracy } from './accuracy-plot';
import { costs, drawCost } from './cost-plot';

// Writes the figures in docs/: `npm run figures`. Every number comes from a run with a seed, so they can be made again.

await writeFile('docs/accuracy.svg', await drawAccuracy());
const all = await costs();
await writeFile('docs/cost.svg', drawCost(all));
await writeFile('docs/accuracy.md', await accuracyPage(all));
