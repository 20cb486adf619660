import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { resolve } from 'node:path';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';

/** The options that launch Chromium. `null` if there is none. */
export type Chromium = { readonly executablePath?: string; readonly channel?: 'chrome' } | null;

declare module 'vitest' {
  interface ProvidedContext {
    readonly chromium: Chromium;
  }
}

/** The folder for the Chromium of npm, and for the libraries that a bare Linux lacks. */
const UNPACKED = resolve('node_modules/.cache/chromium');

const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${UNPACKED}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${UNPACKED}/fonts-cache</cachedir>
</fontconfig>
`;

/** Provides the options of Chromium, once before the tests. */
export default async function setup(project: TestProject): Promise<void> {
  const found = await findChromium();
  project.provide('chromium', found);
  if (found !== null) return;
  const missing =
    'BROWSER TESTS NOT RUN: no Chromium. Install Google Chrome; on Linux x64, npm ci installs one.';
  if (process.env['CI'] !== undefined) throw new Error(missing);
  console.error(missing);
}

export async function findChromium(): Promise<Chromium> {
  if (platform() === 'linux' && arch() === 'x64') return { executablePath: await unpackChromium() };
  for (const executablePath of ['/usr/bin/chromium', '/usr/bin/chromium-browser'])
    if (existsSync(executablePath)) return { executablePath };
  const browser = await chromium.launch({ channel: 'chrome' }).catch(() => undefined);
  await browser?.close();
  return browser === undefined ? null : { channel: 'chrome' };
}

async function unpackChromium(): Promise<string> {
  mkdirSync(UNPACKED, { recursive: true });
  const temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = UNPACKED;
  // With this variable it also unpacks its libraries: https://github.com/Sparticuz/chromium#environment-variables
  process.env['AWS_LAMBDA_JS_RUNTIME'] = 'nodejs22.x';
  try {
    const { default: bundled } = await import('@sparticuz/chromium');
    const path = await bundled.executablePath();
    // Its own configuration looks for fonts in /tmp/fonts. Without fonts a page has no text.
    writeFileSync(resolve(UNPACKED, 'fonts/fonts.conf'), FONTS);
    return path;
  } finally {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
  }
}
