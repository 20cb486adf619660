import { accessSync, constants } from 'node:fs';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the Firefox that the tests start. */
    readonly firefox: string;
  }
}

/** The paths of Debian's packages `firefox-esr` and `firefox`. */
const INSTALLED = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** Provides the path in the environment variable FIREFOX, or the path of an installed Firefox, once before the tests. */
export default function setup(project: TestProject): void {
  const { FIREFOX } = process.env;
  const candidates = FIREFOX === undefined ? INSTALLED : [FIREFOX];
  const found = candidates.find(isExecutable);
  if (found !== undefined) {
    project.provide('firefox', found);
    return;
  }
  console.error(
    `No Firefox at ${candidates.join(' or ')}: install the package firefox-esr, or set FIREFOX to its path.`,
  );
  // Otherwise Vitest also prints that it has found no test files.
  process.exit(1);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
