import { readFile, writeFile } from 'node:fs/promises';

/** Replaces what stands between `<!-- name: begin -->` and `<!-- name: end -->`. Throws if a marker is missing. */
export async function replaceBlock(file: string, name: string, markdown: string): Promise<void> {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const text = await readFile(file, 'utf8');
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (!text.includes(begin) || to === -1) throw new Error(`${file} needs the lines ${begin} and ${end}.`);
  await writeFile(file, `${text.slice(0, from)}\n${markdown}\n${text.slice(to)}`);
}
