import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { BUILT } from './built';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the package of the client, as `npm pack` makes it. */
    readonly packedClient: string;
  }
}

const HERE = import.meta.dirname;
/** The lock stays unchanged. The other packages are installed, so npm needs no registry. */
const INSTALL = ['--no-save', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];

/** Builds, packs and installs the package of the client, once before the tests. */
export default function setup(project: TestProject): void {
  mkdirSync(BUILT, { recursive: true });
  npm('run', '--silent', 'client:build');
  const file = npm('pack', './dist/client', '--silent', '--pack-destination', BUILT).trim();
  const packed = join(BUILT, file);
  npm('install', '--silent', '--prefix', HERE, ...INSTALL, packed);
  project.provide('packedClient', packed);
}

/** Runs npm in the folder of the project, and returns what it prints. */
function npm(...args: readonly string[]): string {
  return execFileSync('npm', args, { encoding: 'utf8' });
}
