import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { replaceBlock } from '../../../tools/markdown-block';

async function written(text: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'block-')), 'page.md');
  await writeFile(file, text);
  await replaceBlock(file, 'table', 'new');
  return readFile(file, 'utf8');
}

it('a block replaces only what stands between its markers', async () => {
  const page = (table: string) => `before\n<!-- table: begin -->\n${table}<!-- table: end -->\nafter\n`;
  expect(await written(page(''))).toBe(page('new\n'));
  expect(await written(page('old\nold\n'))).toBe(page('new\n'));
});

it.each([
  'none',
  '<!-- table: begin -->',
  '<!-- table: end -->',
  '<!-- table: end --> <!-- table: begin -->',
])('a page without both markers in order is refused: %s', async (text) => {
  await expect(written(text)).rejects.toThrow('needs the lines');
});
