import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

/** The script of a package in this folder, and its arguments. */
export type Tool = readonly [script: string, ...args: string[]];

/** The output of a tool. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

const PACKAGES = join(import.meta.dirname, 'node_modules');
const TOOL_MS_MAX = 150_000;

/** Runs a tool in a folder until it ends. If it fails, rejects with its output. */
export async function runTool(
  folder: string,
  [script, ...args]: Tool,
  mode = 'production',
): Promise<Printed> {
  const options = { cwd: folder, env: environment(mode), timeout: TOOL_MS_MAX };
  return promisify(execFile)(process.execPath, [join(PACKAGES, script), ...args], options).catch((error) => {
    throw new Error(`${[script, ...args].join(' ')} failed:\n${error.stdout}${error.stderr}`);
  });
}

/** Starts a tool in a folder. The caller ends it. */
export function startTool(
  folder: string,
  [script, ...args]: Tool,
): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [join(PACKAGES, script), ...args], {
    cwd: folder,
    env: environment('production'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** @param mode The NODE_ENV of the tool. */
function environment(mode: string): NodeJS.ProcessEnv {
  // Without the variables of Vitest. With them the plugins of Svelte and Solid build for tests.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: mode,
    NO_COLOR: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
  };
}
