import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestHarness } from 'wrangler';
import { blocksOf, commandsIn } from '../support/commands';

const HERE = import.meta.dirname;
const DOCUMENT = 'docs/embedding.md';
/** The origin and the file that the document names. The test replaces both. */
const DEV_ORIGIN = 'http://localhost:8787';
const DECLARATION = 'presence.d.ts';

const service = createTestHarness({ workers: [{ configPath: './wrangler.toml' }] });
let origin: string;

beforeAll(async () => {
  ({ origin } = (await service.listen()).url);
});
afterAll(() => service.close());

/** Runs a command of the packages in this folder. Rejects with its output if it fails. */
async function run(command: string, ...args: readonly string[]): Promise<string> {
  const file = join(HERE, 'node_modules/.bin', command);
  const env = { ...process.env, NO_COLOR: '1', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const { stdout, stderr } = await promisify(execFile)(file, args, { cwd: HERE, env }).catch((error) => {
    throw new Error(`${command} failed:\n${error.stdout}${error.stderr}`);
  });
  return stdout + stderr;
}

it('Redocly accepts the OpenAPI document with the exceptions of its configuration', async () => {
  expect(await run('redocly', 'lint', '--config', 'lint.yaml', '../../docs/openapi.json')).toContain(
    'Your API description is valid',
  );
});

it('Spectral has no warning about the OpenAPI document with the exceptions of its configuration', async () => {
  const options = ['--ruleset', 'spectral.yaml', '--fail-severity', 'warn'];
  expect(await run('spectral', 'lint', '../../docs/openapi.json', ...options)).toContain('No results');
});

it('the command of docs/embedding.md generates types from the document of a running Worker', async () => {
  const commands = commandsIn(DOCUMENT).map(({ command }) => command);
  const [, tool = '', ...args] =
    commands.find((command) => command.includes('/openapi.json'))?.split(' ') ?? [];
  const inPlace = new Map([
    [`${DEV_ORIGIN}/openapi.json`, `${origin}/openapi.json`],
    [DECLARATION, `generated/${DECLARATION}`],
  ]);
  await run(tool, ...args.map((arg) => inPlace.get(arg) ?? arg));
});

it('a generated client sends heartbeats, reads counts, gets problems for wrong requests and leaves', async () => {
  await run('tsc');
  await execute('client.ts');
});

it('the example of docs/embedding.md with a generated client type-checks and prints the count', async () => {
  const example = blocksOf(DOCUMENT, 'ts').find((block) => block.includes('openapi-fetch')) ?? '';
  await writeFile(join(HERE, 'generated/example.ts'), example.replace(DEV_ORIGIN, origin));
  await run('tsc');
  expect(await execute('generated/example.ts')).toBe('1\n');
});

/** Runs a module of this folder. Returns its output. */
async function execute(module: string): Promise<string> {
  const outfile = join(HERE, 'generated/module.js');
  await build({ entryPoints: [join(HERE, module)], bundle: true, format: 'esm', platform: 'node', outfile });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile, origin]);
  return stdout;
}
