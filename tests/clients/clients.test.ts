import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestHarness } from 'wrangler';

const HERE = import.meta.dirname;
const service = createTestHarness({ workers: [{ configPath: './wrangler.toml' }] });
let origin: string;

beforeAll(async () => {
  ({ origin } = (await service.listen()).url);
});
afterAll(() => service.close());

/** Runs a command of this folder's own packages. Rejects with what it said, if it fails. */
async function run(command: string, ...args: readonly string[]): Promise<string> {
  const file = join(HERE, 'node_modules/.bin', command);
  const env = { ...process.env, NO_COLOR: '1', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const { stdout, stderr } = await promisify(execFile)(file, args, { cwd: HERE, env }).catch((error) => {
    throw new Error(`${command} failed:\n${error.stdout}${error.stderr}`);
  });
  return stdout + stderr;
}

it('Redocly has nothing to say against the document but what its configuration explains', async () => {
  expect(await run('redocly', 'lint', '--config', 'lint.yaml', '../../docs/openapi.json')).toContain(
    'Your API description is valid',
  );
});

it('a client made from the document of the running Worker type-checks', async () => {
  await run('openapi-typescript', `${origin}/openapi.json`, '--output', 'generated/presence.d.ts');
  await run('tsc');
});

it('and beats, looks, is refused what is wrong, and leaves', async () => {
  const outfile = join(HERE, 'generated/client.js');
  await build({
    entryPoints: [join(HERE, 'client.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
  });
  await promisify(execFile)(process.execPath, [outfile, origin]);
});
