import { writeFile } from 'node:fs/promises';
import { replaceBlock } from '../../markdown-block';
import { givenOptions } from '../../options';
import { buildVersion1, buildWorkers } from '../build-workers';
import { bundleParts } from '../bundle-parts';
import { coldStarts } from '../cold-start';
import { bytesPerSession, type SyncCost, syncCost } from '../growth';
import { GROWTH, HEARTBEATS, mediansOf, raceAll } from '../http';
import { measureSockets } from '../live-sockets';
import { drawPerformance } from '../performance-plot';
import { type Performance, performanceTables } from '../performance-tables';
import { referenceRatiosOf, targetsOf } from '../targets';

// Measures how fast the service is beside what the framework costs: `npm run bench`. With --quick it writes no file. Loads go to
// this machine alone.

const ABOUT =
  'Measures the service beside a bare Hono and version 1.0, which needs the git history. It takes half an hour, and writes the tables of docs/performance.md.';

const given = givenOptions(
  ABOUT,
  {},
  { json: 'Prints all figures, for programs.', quick: 'Takes five minutes, and writes no file.' },
);
const quick = given['quick'] === true;

await buildVersion1();
await buildWorkers();

const loads = await raceAll('heartbeats', HEARTBEATS, quick ? 1 : 5);
const growthLoads = await raceAll('growth', GROWTH, quick ? 1 : 3);
const coldStart = await coldStarts(quick ? 3 : 20);
const syncs: SyncCost[] = [];
for (const sessions of [1_000, 10_000, 50_000]) syncs.push(await syncCost(sessions, quick ? 5 : 25));
const sockets = await measureSockets(quick ? 200 : 1_000);

const figures: Performance = {
  http: mediansOf(HEARTBEATS, loads),
  growth: mediansOf(GROWTH, growthLoads),
  targets: targetsOf(loads, growthLoads, syncs, coldStart),
  referenceRatios: referenceRatiosOf(loads),
  syncs,
  bytesPerSession: Math.round(bytesPerSession(100_000)),
  coldStart,
  bundle: await bundleParts(),
  sockets,
};

if (!quick) {
  await writeFile('docs/performance.json', `${JSON.stringify(figures, null, 2)}\n`);
  await writeFile('docs/performance.svg', drawPerformance(figures.http));
  for (const [name, table] of Object.entries(performanceTables(figures))) {
    replaceBlock('docs/performance.md', name, table);
  }
}
if (given['json'] === true) console.log(JSON.stringify(figures, null, 2));
else {
  console.table(figures.http);
  console.table(figures.syncs);
  console.table(figures.targets);
}
