import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { blocksOf } from '../../support/commands';

const FILE = 'dist/miniflare-example.mjs';

/** Miniflare 4 by the Miniflare 5 of the lock, as docs/embedding.md says. */
const MINIFLARE_4 = `
import { convertV4MiniflareOptions, Miniflare as Miniflare5 } from 'miniflare';
class Miniflare extends Miniflare5 {
  constructor(options) {
    super(convertV4MiniflareOptions(options));
  }
}`;

it('the Miniflare example of docs/embedding.md counts its session', async () => {
  const example = blocksOf('docs/embedding.md', 'js').find((block) => block.includes('new Miniflare')) ?? '';
  mkdirSync('dist', { recursive: true });
  writeFileSync(FILE, example.replace("import { Miniflare } from 'miniflare';", MINIFLARE_4));
  const { stdout } = await promisify(execFile)(process.execPath, [FILE]);
  expect(stdout).toContain('count: 1,');
  expect(stdout).toContain('gratitude: 1,');
});
