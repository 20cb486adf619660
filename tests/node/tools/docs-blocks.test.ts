import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PERFORMANCE_BLOCKS } from '../../../tools/bench/performance-tables';
import { replaceBlock } from '../../../tools/markdown-block';
import { MUTATION_BLOCKS } from '../../../tools/mutation/mutation-tables';
import { ACCURACY_BLOCKS } from '../../../tools/simulator/figures/accuracy-tables';
import { COST_BLOCKS } from '../../../tools/simulator/figures/cost-tables';

const markersOf = (name: string) => [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];

it.each([
  ['docs/accuracy.md', ACCURACY_BLOCKS],
  ['docs/cost.md', COST_BLOCKS],
  ['docs/performance.md', PERFORMANCE_BLOCKS],
  ['docs/mutation.md', MUTATION_BLOCKS],
  ['docs/faults.md', ['faults']],
])('%s has each block that its tool writes once, and no other block', (file, blocks) => {
  const markers = readFileSync(file, 'utf8').match(/<!-- \S+: (begin|end) -->/g) ?? [];
  const names = markers.filter((_, index) => index % 2 === 0).map((marker) => marker.slice(5, -11));
  expect(markers).toEqual(names.flatMap(markersOf));
  expect(names.sort()).toEqual([...blocks].sort());
});

describe('replaceBlock', () => {
  const folder = mkdtempSync(join(tmpdir(), 'presence-blocks-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'page.md');
  const [begin, end] = markersOf('steady');

  it('replaceBlock replaces the text between the markers and keeps the rest', () => {
    writeFileSync(file, `# Title\n\n${begin}\n\nold\n\n${end}\n\nLast.\n`);
    replaceBlock(file, 'steady', '| $& |');
    expect(readFileSync(file, 'utf8')).toBe(`# Title\n\n${begin}\n\n| $& |\n\n${end}\n\nLast.\n`);
  });

  it.each([
    ['no markers', ''],
    ['no end', `${begin}`],
    ['two blocks of one name', `${begin}${end}${begin}${end}`],
    ['an end before its begin', `${end}${begin}`],
  ])('replaceBlock throws an error with file and block, and writes nothing: the page has %s', (_, text) => {
    writeFileSync(file, text);
    expect(() => replaceBlock(file, 'steady', 'new')).toThrow(`${file} must have one block 'steady'`);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
