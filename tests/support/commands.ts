import { readFileSync } from 'node:fs';
import { marked } from 'marked';

/** A command of a document, and the output that the document shows. */
export interface Command {
  readonly command: string;
  readonly output: readonly string[];
}

/** Returns the code blocks of this language in a document. */
export function blocksOf(file: string, language: string): readonly string[] {
  return marked
    .lexer(readFileSync(file, 'utf8'))
    .flatMap((token) => (token.type === 'code' && token['lang'] === language ? [String(token['text'])] : []));
}

/** Returns the commands in the shell blocks of a document. A command begins with `$` and continues while a quote is open. */
export function commandsIn(file: string): readonly Command[] {
  return blocksOf(file, 'console').flatMap((block) => {
    const commands: { command: string; output: string[] }[] = [];
    for (const line of block.split('\n')) {
      const last = commands.at(-1);
      if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
      else if (last !== undefined && last.command.split("'").length % 2 === 0) last.command += `\n${line}`;
      else last?.output.push(line);
    }
    return commands;
  });
}
