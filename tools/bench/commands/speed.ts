import { writeFile } from 'node:fs/promises';
import { replaceBlock } from '../../markdown-block';
import { givenOptions } from '../../options';
import { textTable } from '../../text-table';
import { buildForNode, buildWorkerOf1, buildWorkers } from '../build-workers';
import { bundleParts } from '../bundle-parts';
import { coldStarts } from '../cold-start';
import { copyNoises } from '../copy-noise';
import { firstSync } from '../first-sync';
import { bytesPerSession, type SyncCost, syncCost } from '../growth';
import { measureSockets } from '../live-sockets';
import { mediansOf } from '../loads';
import { drawPerformance } from '../performance-plot';
import { type Performance, performanceTables } from '../performance-tables';
import { runRaces } from '../race';
import { APPS, GROWTH, LARGE, OTHERS, QUICK_APPS } from '../races';
import { referenceRatiosOf } from '../reference-ratios';
import { firstSyncRows, noiseRows, requestRows, targetRows } from '../result-rows';
import { roomCost } from '../room-cost';
import { targetsOf } from '../targets';

// Measures how fast the service is, and compares it with the framework alone: `npm run bench`. With --quick it writes no file.
// It sends loads to this machine only.

const ABOUT =
  'Compares the service with bare Hono, bare workerd and version 1.0, which needs the git history. It takes 17 minutes, and writes the tables of docs/performance.md.';

const QUICK = {
  apps: QUICK_APPS,
  appRounds: 4,
  otherRounds: 0,
  largeRounds: 0,
  growthRounds: 0,
  crowds: [10_000],
  syncRounds: 9,
  firstSyncs: 5,
  coldStarts: 7,
  rooms: 3,
};
const FULL = {
  apps: APPS,
  appRounds: 9,
  otherRounds: 5,
  largeRounds: 3,
  growthRounds: 5,
  crowds: [1_000, 10_000, 50_000],
  syncRounds: 25,
  firstSyncs: 21,
  coldStarts: 21,
  rooms: 21,
};
const LEFT_OUT =
  '--quick leaves out: version 1.0 by HTTP, the room by HTTP, channels, leaves, text/plain, other crowds by HTTP, shared keys, sockets, memory.';

const given = givenOptions(
  ABOUT,
  {},
  { json: 'Prints all figures, for programs.', quick: 'Takes one minute, and writes no file.' },
);
const isQuick = given['quick'] === true;
const plan = isQuick ? QUICK : FULL;

await buildWorkers();
await buildForNode();
if (!isQuick) buildWorkerOf1();

const requests = new Map([
  ...(await runRaces('requests', plan.apps, plan.appRounds)),
  ...(await runRaces('other requests', OTHERS, plan.otherRounds)),
  ...(await runRaces('large crowds', LARGE, plan.largeRounds)),
]);
const growth = await runRaces('growth', GROWTH, plan.growthRounds);
const syncs: SyncCost[] = [];
for (const sessions of plan.crowds) syncs.push(await syncCost(sessions, plan.syncRounds));
const parts = {
  syncs,
  firstSync: firstSync(1_000, plan.firstSyncs),
  coldStarts: await coldStarts(plan.coldStarts),
  rooms: Array.from({ length: plan.rooms }, () => roomCost(100_000)),
  bundle: await bundleParts(),
};
const figures = {
  ...parts,
  http: mediansOf(requests),
  growth: mediansOf(growth),
  targets: targetsOf({ ...parts, requests, growth }),
  noises: copyNoises(requests),
};
if (!isQuick) {
  await writeDocs({
    ...figures,
    referenceRatios: referenceRatiosOf(requests),
    bytesPerSession: Math.round(bytesPerSession(100_000)),
    sockets: await measureSockets(1_000),
  });
}

if (given['json'] === true) console.log(JSON.stringify(figures, null, 2));
else {
  for (const rows of [
    requestRows(figures.http),
    firstSyncRows(figures.firstSync),
    noiseRows(figures.noises),
    targetRows(figures.targets),
  ]) {
    console.log(`\n${textTable(rows)}`);
  }
  if (isQuick) console.log(`\n${LEFT_OUT}`);
}

async function writeDocs(performance: Performance): Promise<void> {
  await writeFile('docs/performance.json', `${JSON.stringify(performance, null, 2)}\n`);
  await writeFile('docs/performance.svg', drawPerformance(performance.http));
  for (const [name, table] of Object.entries(performanceTables(performance))) {
    replaceBlock('docs/performance.md', name, table);
  }
}
