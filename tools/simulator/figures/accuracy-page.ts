import { markdownTable } from '../../markdown-table';
import { progress } from '../../progress';
import { runAll } from '../run-all';
import { commandOf, Scenario, type ScenarioOptions } from '../scenario';
import type { SimulationResult } from '../simulate';
import { ACCURACY_COMMAND } from './accuracy-plot';
import { ABOUT, ASSUMPTIONS, BUGS, CHANGES } from './accuracy-text';

const SEEDS = [1, 2, 3, 4];

interface Row {
  readonly name: string;
  readonly options: ScenarioOptions;
}

const STEADY: readonly Row[] = [
  { name: '100 in 1 location', options: { people: 100, minutes: 60 } },
  { name: '100 in 10', options: { people: 100, locations: 10, minutes: 60 } },
  { name: '1,000 in 10', options: { people: 1_000, locations: 10, minutes: 20 } },
  { name: '2,000 in 1, 8 isolates', options: { people: 2_000, isolates: 8, minutes: 10 } },
  { name: '3,000 in 30, 4 isolates', options: { people: 3_000, locations: 30, isolates: 4, minutes: 5 } },
];

const THOUSAND: ScenarioOptions = { people: 1_000, locations: 10, minutes: 10 };
const HARDER: readonly Row[] = [
  {
    name: '1 request in 1,000 finds a fresh isolate, 5 % of KV operations fail',
    options: { ...THOUSAND, evict: 0.001, fail: 0.05 },
  },
  { name: 'lists cached for 120 s', options: { ...THOUSAND, listCacheSeconds: 120 } },
  { name: '20 % of writes not visible at home', options: { ...THOUSAND, homeMiss: 0.2 } },
  { name: '5 % of reads stale', options: { ...THOUSAND, staleRead: 0.05 } },
  { name: 'every request to any isolate', options: { ...THOUSAND, stick: 0 } },
  { name: 'stays of 10 minutes', options: { ...THOUSAND, stayMinutes: 10 } },
  { name: 'clocks off by up to 2 s', options: { ...THOUSAND, skewMs: 2_000 } },
  { name: '1 request in 100 that uses KV ends with its response', options: { ...THOUSAND, die: 0.01 } },
  { name: '100 in 1 location, 16 isolates', options: { people: 100, isolates: 16, minutes: 20 } },
];

const ROOM: ScenarioOptions = { hub: 'durable-object' };
const IN_THE_ROOM: readonly Row[] = [
  { name: '5 in 1 location, every request to any isolate', options: { people: 5, stick: 0, minutes: 60 } },
  ...STEADY,
  { name: '1,000 in 10, a sync every 2 s', options: { ...THOUSAND, intervalSeconds: 2 } },
  {
    name: '1,000 in 10, 1 request in 1,000 finds a fresh isolate, 5 % of calls fail',
    options: { ...THOUSAND, evict: 0.001, fail: 0.05 },
  },
  {
    name: '1,000 in 10, 1 call in 1,000 finds a room without its memory',
    options: { ...THOUSAND, restart: 0.001 },
  },
  { name: '1,000 in 10, every request to any isolate', options: { ...THOUSAND, stick: 0 } },
  { name: '1,000 in 10, clocks off by up to 2 s', options: { ...THOUSAND, skewMs: 2_000 } },
  {
    name: '1,000 in 10, 1 request in 100 that calls the room ends with its response',
    options: { ...THOUSAND, die: 0.01 },
  },
].map(({ name, options }) => ({ name, options: { ...options, ...ROOM } }));

const OTHERS: readonly Row[] = [
  { name: '100 in 1 location', options: { people: 100, minutes: 10 } },
  { name: '100 in 10', options: { people: 100, locations: 10, minutes: 10 } },
  { name: '1,000 in 10', options: { people: 1_000, locations: 10, minutes: 5 } },
];

const FREE: readonly Row[] = [
  { name: '5 people, 1 isolate, a day', options: { people: 5, isolates: 1, minutes: 1_440, quota: 'free' } },
  {
    name: 'the same, 1 request in 1,000 finds a fresh isolate',
    options: { people: 5, isolates: 1, minutes: 1_440, quota: 'free', evict: 0.001 },
  },
  {
    name: '11 people, 1 isolate, a day',
    options: { people: 11, isolates: 1, minutes: 1_440, quota: 'free' },
  },
];

const GATHERING: ScenarioOptions = {
  people: 1_000,
  watchers: 60,
  locations: 10,
  gatherSeconds: 30,
  stayMinutes: 0,
  minutes: 6,
  goneMinutes: 6,
};

const GATHERINGS: readonly Row[] = [
  { name: '1,000 in 10, on KV', options: GATHERING },
  { name: '1,000 in 10, with the room', options: { ...GATHERING, ...ROOM } },
];

/** The mean of a number over the seeds. */
type Mean = (of: (result: SimulationResult) => number) => number;

const percent = (value: number) => `${value.toFixed(2)} %`;
const dollars = (value: number) => `$${value.toFixed(value < 10 ? 2 : 0)}`;

/** Runs a row with every seed, and makes its cells of the results. */
async function rowsOf(
  what: string,
  rows: readonly Row[],
  cells: (mean: Mean, all: readonly SimulationResult[]) => readonly string[],
) {
  const scenarios = rows.flatMap(({ options }) => SEEDS.map((seed) => Scenario.parse({ ...options, seed })));
  const results = await runAll(scenarios, (_result, done) => progress(what, done, scenarios.length));
  return rows.map(({ name }, index) => {
    const all = results.slice(index * SEEDS.length, (index + 1) * SEEDS.length);
    const mean: Mean = (of) => all.reduce((sum, result) => sum + of(result), 0) / all.length;
    return [name, ...cells(mean, all)];
  });
}

/** The commands of a table; any of the seeds can be put in. */
const commandsOf = (rows: readonly Row[]) =>
  rows
    .map(({ name, options }) => `- ${name}: \`${commandOf(Scenario.parse({ ...options, seed: 1 }))}\``)
    .join('\n');

const accuracyCells = (mean: Mean) => [
  percent(mean((result) => result.biasPercent)),
  percent(mean((result) => result.meanErrorPercent)),
  percent(mean((result) => result.p99ErrorPercent)),
];
const kvCells = (mean: Mean) => [
  mean((result) => result.kvPerSecond.reads).toFixed(2),
  mean((result) => result.kvPerSecond.writes).toFixed(2),
  mean((result) => result.kvPerSecond.lists).toFixed(2),
  mean((result) => result.kvPerSecond.refused).toFixed(2),
  dollars(mean((result) => result.hubDollarsAMonth)),
];
const roomCells = (mean: Mean) => [
  mean((result) => result.roomPerSecond.calls).toFixed(2),
  mean((result) => result.roomPerSecond.rows).toFixed(2),
  dollars(mean((result) => result.hubDollarsAMonth)),
];
const ACCURACY_HEAD = ['crowd', 'bias', 'mean error', 'p99 error'];
const HEAD = [...ACCURACY_HEAD, 'reads/s', 'writes/s', 'lists/s', 'refused/s', 'KV, a month'];

export async function accuracyPage(): Promise<string> {
  const both = (mean: Mean) => [...accuracyCells(mean), ...kvCells(mean)];
  const steady = await rowsOf('steady crowds', STEADY, both);
  const harder = await rowsOf('harder worlds', HARDER, both);
  const room = await rowsOf('room', IN_THE_ROOM, (mean) => [...accuracyCells(mean), ...roomCells(mean)]);
  const withHub = (hub: 'shared-key' | 'key-per-session') =>
    OTHERS.map(({ name, options }) => ({ name, options: { ...options, hub } }));
  const sharedKey = await rowsOf('shared key', withHub('shared-key'), both);
  const keyPerSession = await rowsOf('key per session', withHub('key-per-session').slice(0, 2), both);
  const aDay = (perSecond: number) => Math.round(perSecond * 86_400).toLocaleString('en');
  const free = await rowsOf('free plan', FREE, (mean) => [
    percent(mean((result) => result.meanErrorPercent)),
    aDay(mean((result) => result.kvPerSecond.reads)),
    aDay(mean((result) => result.kvPerSecond.writes)),
    aDay(mean((result) => result.kvPerSecond.lists)),
  ]);
  const seconds = (values: readonly (number | undefined)[]) =>
    values.map((value) => value ?? 'never').join(', ');
  const gathering = await rowsOf('gathering', GATHERINGS, (_mean, results) => [
    seconds(results.map((result) => result.shownAfterSeconds)),
    seconds(results.map((result) => result.goneAfterSeconds)),
  ]);
  return `<!-- Written by \`npm run figures\`: change tests/simulation/figures/, not this file. -->
# How right the count is

${ABOUT}

![True and reported number of people over time](accuracy.svg)

\`${ACCURACY_COMMAND} --hub kv,shared-key\`

## Steady crowds on KV

Three isolates a location, if nothing else is said. Means over the seeds ${SEEDS.join(', ')}; errors in % of the true count, over every answer.

${markdownTable(HEAD, steady)}

${commandsOf(STEADY)}

### The usual designs in the same world

One shared key, read, changed and written at every heartbeat:

${markdownTable(HEAD, sharedKey)}

A key per session:

${markdownTable(HEAD, keyPerSession)}

${commandsOf([...withHub('shared-key'), ...withHub('key-per-session').slice(0, 2)])}

### Harder worlds

1,000 people in 10 locations, if nothing else is said.

${markdownTable(HEAD, harder)}

${commandsOf(HARDER)}

## With the room

The hub in one Durable Object (\`PRESENCE_HUB = "durable-object"\`): a replica tells it once a second whom it heard, and learns who came, went or
changed the mood elsewhere. Three isolates a location, if nothing else is said; the same crowds and seeds. A call to the room is a billed request, a row one that
its journal writes or deletes; its month is at the list price, awake all the time ($4.15 of it).

${markdownTable([...ACCURACY_HEAD, 'calls/s', 'rows/s', 'room, a month'], room)}

${commandsOf(IN_THE_ROOM)}

## Gatherings

All 1,000 come within 30 seconds, stay, and fall silent all at once. A crowd is *shown* when, for ten seconds, every answer
shows 99 % of it; it is *gone* when none shows more than 1 %. Seconds for each seed: from when the last one had come, and from when
the last session had ended, which is ${Scenario.parse({}).ttlSeconds} s after its last heartbeat.

${markdownTable(['crowd', 'shown after', 'gone after'], gathering)}

${commandsOf(GATHERINGS)}

## The free plan

1,000 writes, 1,000 lists and 100,000 reads a day. With more people the rest of the day goes without KV: every isolate counts its own.

${markdownTable(['crowd', 'mean error', 'reads a day', 'writes a day', 'lists a day'], free)}

${commandsOf(FREE)}

${ASSUMPTIONS}

${CHANGES}

${BUGS}
`;
}
