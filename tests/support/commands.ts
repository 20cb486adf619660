import { readFileSync } from 'node:fs';
import { marked } from 'marked';

/** A command that people copy, and what the document says it prints. */
export interface Command {
  readonly command: string;
  readonly output: readonly string[];
}

/** The blocks of code of this language in a document. */
export function blocksOf(file: string, language: string): readonly string[] {
  return marked
    .lexer(readFileSync(file, 'utf8'))
    .flatMap((token) => (token.type === 'code' && token['lang'] === language ? [String(token['text'])] : []));
}

/** The commands in the shell blocks of a document: each begins with `$`, and goes on while a quote is open. */
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
