import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Stryker } from '@stryker-mutator/core';
import { givenOptions } from '../../options';
import { SURVIVORS, type Survivor } from '../survivors';

// Changes the source one small thing at a time, and writes which changes no test notices: `npm run mutate`. With the paths
// of some files behind `--` it tries only those, and writes nothing.

const SCORE_MIN = 90;

// For the processes that Stryker starts.
Object.assign(process.env, { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' });

/** What can be tested only where a Durable Object is. A mutant takes ten seconds there, and a fraction of one in Node. */
const ON_THE_PLATFORM = ['src/presence-room.ts', 'src/presence/room-journal.ts', 'src/api/live.ts'];

const STAGES = [
  {
    name: 'in Node',
    configFile: 'tools/mutation/node.config.ts',
    mutate: [
      'src/presence/**/*.ts',
      'src/api/{guards,new-sessions,preflight,routes,problems}.ts',
      ...ON_THE_PLATFORM.map((file) => `!${file}`),
    ],
  },
  { name: 'in workerd', configFile: 'tools/mutation/workerd.config.ts', mutate: ON_THE_PLATFORM },
];

type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

const ABOUT =
  'Mutates the source, and writes to docs/mutation.md what no test notices. With paths of files it tries those only.';

const args = process.argv.slice(2);
givenOptions(
  ABOUT,
  {},
  {},
  args.filter((arg) => arg.startsWith('-')),
);
const only = args.filter((arg) => !arg.startsWith('-'));
// Not before: it is installed in this folder only, and help is possible without it.
const core = await import('@stryker-mutator/core');
const startedAt = Date.now();
const mutants: Mutant[] = [];
// As they are now: somebody may change them while the mutants run.
const sources = new Map(globSync('src/**/*.ts').map((file) => [file, readFileSync(file, 'utf8')]));
for (const { name, configFile, mutate } of STAGES) {
  const wanted = only.filter((file) => ON_THE_PLATFORM.includes(file) === (mutate === ON_THE_PLATFORM));
  if (only.length > 0 && wanted.length === 0) continue;
  console.log(`\n${name}:`);
  const stryker = new core.Stryker({
    testRunner: 'vitest',
    vitest: { configFile, related: false, pool: 'threads' },
    mutate: only.length > 0 ? wanted : mutate,
    // What a text says is for people to read; where it is a name, others must spell it the same way.
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: 2,
    reporters: ['progress-append-only'],
    ignorePatterns: ['dist', 'docs'],
    tempDirName: 'dist/mutation',
    // The compiler in use has no API that Stryker could call.
    tsconfigFile: 'none',
  });
  mutants.push(...(await stryker.runMutationTest()));
}

const killed = mutants.filter(({ status }) => status === 'Killed' || status === 'Timeout');
const survived = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
const tested = [...killed, ...survived];
const fileOf = ({ fileName }: Mutant) => relative('.', fileName);
const files = [...new Set(tested.map(fileOf))].sort();

const share = (part: number, whole: number) => (100 * part) / whole;
const row = (name: string, of: (all: readonly Mutant[]) => number) => {
  const score = share(of(killed), of(tested)).toFixed(1);
  return `| ${name} | ${of(tested)} | ${of(killed)} | ${of(survived)} | ${score} % |`;
};
const rows = files.map((file) =>
  row(`\`${file}\``, (all) => all.filter((one) => fileOf(one) === file).length),
);

const told = new Set<Survivor>();
const unexplained: string[] = [];
const lines = survived.map((mutant) => {
  const file = fileOf(mutant);
  const from = oneLine(sourceOf(mutant, sources.get(file) ?? ''));
  const to = oneLine(mutant.replacement);
  const known = SURVIVORS.find((one) => one.file === file && one.from === from && one.to === to);
  if (known !== undefined) told.add(known);
  else unexplained.push(`${file}:${mutant.location.start.line} ${JSON.stringify({ from, to })}`);
  return `| \`${file}\` | ${code(from)} | ${code(to)} | ${known?.why ?? 'no reason given'} |`;
});

const score = share(killed.length, tested.length);
const minutes = Math.ceil((Date.now() - startedAt) / 60_000);
const page = `<!-- Written by \`npm run mutate\`. -->
# Mutation testing

[Stryker](https://stryker-mutator.io) changes the source one small thing at a time, and the tests should notice. Texts are left alone. \`npm run mutate\`
tries ${tested.length} such mutants in some ${minutes} minutes on two cores, and fails below ${SCORE_MIN} % or when one survives for which no reason is given in
\`tools/mutation/survivors.ts\`. Most of them run in Node, on the platform in memory (\`tools/mutation/platform.ts\`); those of ${ON_THE_PLATFORM.map((file) => `\`${file}\``).join(', ')}
run in workerd.

| file | mutants | killed | survived | score |
|---|---|---|---|---|
${rows.join('\n')}
${row('**all**', (all) => all.length)}

## Survivors

| file | instead of | stands | why that is not noticed |
|---|---|---|---|
${lines.sort().join('\n')}
`;
if (only.length === 0) await writeFile('docs/mutation.md', page);

console.log(
  `\n${rows.join('\n')}\n\n${killed.length} of ${tested.length} mutants killed: ${score.toFixed(1)} %`,
);
for (const one of unexplained) console.error(`survived, and nobody says why: ${one}`);
for (const one of SURVIVORS) {
  if (only.length === 0 && !told.has(one)) console.log(`survives no more: ${JSON.stringify(one)}`);
}
if (score < SCORE_MIN || unexplained.length > 0) process.exitCode = 1;

/** The text that a mutant replaces; its lines and columns count from 1. */
function sourceOf({ location: { start, end } }: Mutant, source: string): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = lines[last]?.slice(0, end.column - 1) ?? '';
  lines[0] = lines[0]?.slice(start.column - 1) ?? '';
  return lines.join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** Code in a table cell. */
function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
