import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

const FOLDER = 'dist/options';

/** The scripts that take options or none, and the file that each of them runs. */
const ENTRIES = new Map([
  ['simulate', 'tests/simulation/cli.ts'],
  ['simulate:deep', 'tests/simulation/deep.ts'],
  ['simulate:bugs', 'tests/simulation/bug-table.ts'],
  ['cost', 'tests/simulation/cost/cost.ts'],
  ['figures', 'tests/simulation/figures/figures.ts'],
  ['soak', 'tests/soak/soak.ts'],
  ['screenshots', 'tests/browser/screenshots.ts'],
  ['bench', 'tests/bench/bench.ts'],
  ['bench:sockets', 'tests/bench/live-sockets-cli.ts'],
  ['bench:room', 'tests/bench/room.ts'],
  ['bench:full-room', 'tests/bench/full-room.ts'],
  ['bench:full-replica', 'tests/bench/full-replica.ts'],
  ['mutate', 'tests/mutation/mutate.ts'],
]);

// As the scripts do it.
beforeAll(() =>
  build({
    entryPoints: [...ENTRIES.values()],
    outdir: FOLDER,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    entryNames: '[name]',
    logLevel: 'error',
  }),
);
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function run(entry: string, ...options: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${FOLDER}/${basename(entry, '.ts')}.js`, ...options],
    { encoding: 'utf8', timeout: 15_000 },
  );
  return { status, stdout, stderr };
}

it('every script that runs a program of this project is among these', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const run = Object.entries(scripts).filter(([, script]) => /&& node (?:--\S+ )*\S+\.js$/.test(script));
  // This one takes no options, and is a part of others.
  const programs = run.map(([name]) => name).filter((name) => name !== 'site:build');
  expect(programs.toSorted()).toEqual([...ENTRIES.keys()].toSorted());
});

it.each([...ENTRIES])('%s prints help and does nothing else', (_script, entry) => {
  const { status, stdout, stderr } = run(entry, '--help');
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[A-Z].*\.\n\n(--[a-z-]+ +.*\n)+$/);
  expect(status).toBe(0);
});

it.each([...ENTRIES])('%s refuses an unknown option in one line', (_script, entry) => {
  const { status, stdout, stderr } = run(entry, '--breathe');
  expect(stderr).toMatch(/^Unknown option '--breathe'.*\n--help lists the options\.\n$/);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

it.each([
  ['tests/simulation/deep.ts', '--seeds', 'many'],
  ['tests/simulation/deep.ts', '--seeds', '1.5'],
  ['tests/simulation/deep.ts', '--minutes', '0'],
  ['tests/simulation/deep.ts', '--hub', 'shared-key'],
  ['tests/soak/soak.ts', '--hub', 'none'],
  ['tests/soak/soak.ts', '--seconds', 'long'],
  ['tests/bench/live-sockets-cli.ts', '--sockets', '40000'],
])('%s refuses the value of %s %s in one line', (entry, option, value) => {
  const { status, stderr } = run(entry, option, value);
  expect(stderr).toMatch(new RegExp(`^${option}: takes .*\\n--help lists the options\\.\\n$`));
  expect(status).toBe(2);
});
