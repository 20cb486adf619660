import { relative } from 'node:path';
import { markdownTable } from '../markdown-table';
import { percent } from '../percent';

/** The fields of a Stryker mutant that the tables use. Lines and columns count from 1. */
export interface Mutant {
  readonly fileName: string;
  readonly status: string;
  readonly replacement: string;
  readonly location: { readonly start: Position; readonly end: Position };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** The blocks of docs/mutation.md that `npm run mutate` writes. */
export const MUTATION_BLOCKS = ['scores', 'survivors'] as const;

/** The blocks of docs/mutation.md, by name. `sources` holds the text of each file by its path. */
export function mutationTables(
  mutants: readonly Mutant[],
  sources: ReadonlyMap<string, string>,
): Readonly<Record<(typeof MUTATION_BLOCKS)[number], string>> {
  const tested = mutants.filter((mutant) => isKilled(mutant) || hasSurvived(mutant));
  const files = [...new Set(tested.map(fileOf))].sort();
  const scores = files.map((file) =>
    scoreRow(
      `\`${file}\``,
      tested.filter((mutant) => fileOf(mutant) === file),
    ),
  );
  const survivors = files.flatMap((file) =>
    tested
      .filter((mutant) => fileOf(mutant) === file && hasSurvived(mutant))
      .sort(
        ({ location: { start: a } }, { location: { start: b } }) => a.line - b.line || a.column - b.column,
      )
      .map((mutant) => [
        `\`${file}\``,
        String(mutant.location.start.line),
        code(sourceOf(mutant, sources.get(file) ?? '')),
        code(mutant.replacement),
      ]),
  );
  return {
    scores: markdownTable(
      ['file', 'mutants', 'killed', 'survived', 'score'],
      [...scores, scoreRow('**all**', tested)],
    ),
    survivors: markdownTable(['file', 'line', 'source', 'mutant'], survivors),
  };
}

/** Returns the killed mutants in percent of all tested ones. */
export function scoreOf(mutants: readonly Mutant[]): number {
  const killed = mutants.filter(isKilled).length;
  return (100 * killed) / (killed + mutants.filter(hasSurvived).length);
}

const isKilled = ({ status }: Mutant) => status === 'Killed' || status === 'Timeout';
const hasSurvived = ({ status }: Mutant) => status === 'Survived' || status === 'NoCoverage';
const fileOf = ({ fileName }: Mutant) => relative('.', fileName);

function scoreRow(name: string, mutants: readonly Mutant[]): readonly string[] {
  const killed = mutants.filter(isKilled).length;
  const counts = [mutants.length, killed, mutants.length - killed].map(String);
  return [name, ...counts, percent(scoreOf(mutants), 1)];
}

/** The text that a mutant replaces. */
function sourceOf({ location: { start, end } }: Mutant, source: string): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = lines[last]?.slice(0, end.column - 1) ?? '';
  lines[0] = lines[0]?.slice(start.column - 1) ?? '';
  return lines.join('\n');
}

/** Returns code for a table cell. */
function code(text: string): string {
  return `\`${text.replace(/\s+/g, ' ').replaceAll('|', '\\|')}\``;
}
