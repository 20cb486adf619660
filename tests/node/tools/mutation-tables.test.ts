import { expect, it } from 'vitest';
import { type Mutant, mutationTables, scoreOf } from '../../../tools/mutation/mutation-tables';

const SOURCE = 'const a = 1;\nif (a > 0 ||\n    b) stop();\n';

const mutant = (status: string, line: number, replacement: string): Mutant => ({
  fileName: 'src/a.ts',
  status,
  replacement,
  location: { start: { line, column: 5 }, end: { line: 3, column: 6 } },
});

const MUTANTS = [
  mutant('NoCoverage', 3, 'false'),
  mutant('Survived', 2, 'true'),
  mutant('Killed', 2, 'false'),
  mutant('Timeout', 2, 'a'),
  mutant('CompileError', 2, 'c'),
];

it('the mutation score leaves out mutants that Stryker could not run', () => {
  expect(scoreOf(MUTANTS)).toBe(50);
});

it('the mutation tables count the mutants of each file, and list the survivors by line', () => {
  const { scores, survivors } = mutationTables(MUTANTS, new Map([['src/a.ts', SOURCE]]));
  expect(scores.split('\n').slice(2)).toEqual([
    '| `src/a.ts` | 4 | 2 | 2 | 50.0 % |',
    '| **all** | 4 | 2 | 2 | 50.0 % |',
  ]);
  expect(survivors.split('\n').slice(2)).toEqual([
    '| `src/a.ts` | 2 | `a > 0 \\|\\| b` | `true` |',
    '| `src/a.ts` | 3 | `b` | `false` |',
  ]);
});
