// Runs a command of a tool: `node tools/run.mjs <tool> <default command> [command] [options]`. A command is a file in
// `tools/<tool>/commands/`. esbuild bundles it for Node, because Node cannot import TypeScript without extensions.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { build } from 'esbuild';

const [tool, byDefault, ...rest] = process.argv.slice(2);
const isNamed = rest[0] !== undefined && !rest[0].startsWith('-');
const command = isNamed ? rest[0] : byDefault;
const options = isNamed ? rest.slice(1) : rest;

const folder = `tools/${tool}/commands`;
const entry = `${folder}/${command}.ts`;
if (!existsSync(entry)) {
  const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
  console.error(`Unknown command '${command}'. There are: ${names.join(', ')}.`);
  process.exit(2);
}

// The bundle is inside the tool's folder, otherwise it does not find packages that only this tool installs.
const outfile = `tools/${tool}/dist/${command}.js`;
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
// The bench collects garbage before it measures memory.
const { status } = spawnSync(process.execPath, ['--expose-gc', outfile, ...options], { stdio: 'inherit' });
process.exit(status ?? 1);
