import { readFileSync, writeFileSync } from 'node:fs';

/** Replaces the text between the markers of a block in a Markdown file. Throws unless each marker occurs once. */
export function replaceBlock(file: string, name: string, markdown: string): void {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const text = readFileSync(file, 'utf8');
  const isOnce = (marker: string) => text.split(marker).length === 2;
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (!isOnce(begin) || !isOnce(end) || to < from) {
    throw new Error(`${file} must have one block '${name}', from ${begin} to ${end}.`);
  }
  writeFileSync(file, `${text.slice(0, from)}\n\n${markdown}\n\n${text.slice(to)}`);
}
