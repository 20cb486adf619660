import { existsSync, globSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { replaceBlock } from '../../markdown-block';
import { givenOptions, parseOptions } from '../../options';
import { type Mutant, mutationTables, scoreOf } from '../mutation-tables';

// Makes one small change to the source at a time, and lists the changes that no test notices: `npm run mutate`.

const SCORE_MIN = 90;

// The processes that Stryker starts inherit these.
Object.assign(process.env, { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' });

/** The files that do I/O. Their tests need workerd, where a mutant takes seconds. In Node it takes less than one. */
const IO_FILES = [
  'src/presence-room.ts',
  'src/platform-socket.ts',
  'src/presence/kv/kv-hub.ts',
  'src/presence/room/room-hub.ts',
  'src/presence/room/room-journal.ts',
  ...['channels', 'guards', 'live', 'new-sessions', 'preflight', 'problems', 'routes'].map(
    (name) => `src/api/${name}.ts`,
  ),
];

const STAGES = [
  {
    name: 'in Node',
    configFile: 'tools/mutation/node.config.ts',
    mutate: ['src/presence/**/*.ts', ...IO_FILES.map((file) => `!${file}`)],
  },
  { name: 'in workerd', configFile: 'tools/mutation/workerd.config.ts', mutate: IO_FILES },
];

const Options = z.object({
  only: z
    .string()
    .transform((files) => files.split(','))
    .refine((files) => files.every((file) => existsSync(file)), { error: 'names a file that does not exist' })
    .optional()
    .describe('Files to mutate, with commas between them. With this option the command writes no file.'),
});

const ABOUT = `Mutates the source, and writes the mutants that no test notices to docs/mutation.md. It fails below ${SCORE_MIN} %.`;

const { only } = parseOptions(Options, givenOptions(ABOUT, Options.shape));
// Stryker is installed in this folder only. Imported here, `--help` works without it.
const core = await import('@stryker-mutator/core');
const mutants: Mutant[] = [];
// Read before the run, otherwise an edit during the run shifts the lines.
const sources = new Map(globSync('src/**/*.ts').map((file) => [file, readFileSync(file, 'utf8')]));
for (const { name, configFile, mutate } of STAGES) {
  const wanted = only?.filter((file) => IO_FILES.includes(file) === (mutate === IO_FILES));
  if (wanted?.length === 0) continue;
  console.log(`\n${name}:`);
  const stryker = new core.Stryker({
    testRunner: 'vitest',
    vitest: { configFile, related: false, pool: 'threads' },
    mutate: wanted ?? mutate,
    // Texts for people need no test. A text that is a name fails where other code spells it.
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: 2,
    reporters: ['progress-append-only'],
    ignorePatterns: ['dist', 'docs'],
    tempDirName: 'dist/mutation',
    // This version of TypeScript has no API that Stryker can call.
    tsconfigFile: 'none',
  });
  mutants.push(...(await stryker.runMutationTest()));
}

const tables = mutationTables(mutants, sources);
if (only === undefined) {
  for (const [name, table] of Object.entries(tables)) replaceBlock('docs/mutation.md', name, table);
}
console.log(`\n${tables.scores}\n\n${tables.survivors}`);
// `<` would pass without mutants, because the score is NaN then.
if (!(scoreOf(mutants) >= SCORE_MIN)) {
  console.error(`The tests kill less than ${SCORE_MIN} % of the mutants.`);
  process.exitCode = 1;
}
