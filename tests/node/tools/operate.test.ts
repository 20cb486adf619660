import { globSync, readFileSync } from 'node:fs';
import { Lang, parse, type SgNode } from '@ast-grep/napi';
import { marked, type Token, type Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { HEALTH_REASONS } from '../../../src/api/answer-schemas';
import { commandsIn } from '../../support/commands';

const PAGE = 'docs/operate.md';

/** Calls that write a log line, or that pass its text to such a call. */
const WRITES_LOG = /(^|[.#])(report|try)$|^newReport\(\w+\)$|^console\.\w+$|^lowered\.push$/;
/** Parameters that such calls pass. Their text is in the calls of their function. */
const PASSED_ON = ['failure', 'line'];
/** Represents a value in the middle of a text, in the page too. */
const VALUE = '…';

const sources = new Map(
  globSync('src/**/*.{ts,tsx}').map((file) => {
    const language = file.endsWith('x') ? Lang.Tsx : Lang.TypeScript;
    return [file, parse(language, readFileSync(file, 'utf8')).root()] as const;
  }),
);
const service = [...sources].filter(([file]) => !/^src\/(client|site)\//.test(file)).map(([, root]) => root);

/** Returns each text that an expression may have. */
function textsOf(node: SgNode | null): readonly string[] {
  switch (node?.kind()) {
    case 'string':
      return [node.text().slice(1, -1)];
    case 'template_string':
      return node
        .children()
        .slice(1, -1)
        .map((part) => (part.kind() === 'string_fragment' ? [part.text()] : textsOf(part.child(1))))
        .reduce((starts, ends) => starts.flatMap((start) => ends.map((end) => start + end)), ['']);
    case 'ternary_expression':
      return [...textsOf(node.field('consequence')), ...textsOf(node.field('alternative'))];
    case 'identifier': {
      const constant = node.getRoot().root().find(`const ${node.text()} = $TEXT`);
      return constant === null ? [VALUE] : textsOf(constant.getMatch('TEXT'));
    }
    case 'call_expression': {
      // `JSON.stringify({ event: 'request failed', … })`
      const event = node.find({ rule: { kind: 'pair', has: { field: 'key', regex: '^event$' } } });
      return event === null ? [VALUE] : textsOf(event.field('value'));
    }
    default:
      return [VALUE];
  }
}

const firstTextsOf = (call: SgNode) => textsOf(call.field('arguments')?.child(1) ?? null);

function logTexts(): readonly string[] {
  const calls = [...sources.values()].flatMap((root) =>
    root
      .findAll({ rule: { kind: 'call_expression' } })
      .filter((call) => WRITES_LOG.test(call.field('function')?.text() ?? ''))
      .filter((call) => !PASSED_ON.includes(call.field('arguments')?.child(1)?.text() ?? '')),
  );
  return calls.flatMap(firstTextsOf);
}

const isTable = (token: Token): token is Tokens.Table => token.type === 'table';

/** Returns the first cells of each table below a heading. */
function firstCells(heading: string): readonly string[] {
  const tokens = marked.lexer(readFileSync(PAGE, 'utf8'));
  const start = tokens.findIndex((token) => token.type === 'heading' && token['text'] === heading);
  const length = tokens.slice(start + 1).findIndex((token) => token.type === 'heading');
  const section = tokens.slice(start + 1, length < 0 ? undefined : start + 1 + length);
  return section.filter(isTable).flatMap(({ rows }) => rows.map(([first]) => first?.text ?? ''));
}

const codesIn = (cells: readonly string[]) =>
  cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code));

describe('docs/operate.md', () => {
  it('docs/operate.md lists each text that src logs, and no other text', () => {
    const logged = [...new Set(logTexts())];
    // A text without a word is a value that `textsOf` cannot read.
    expect(logged.filter((text) => !/[a-z]/.test(text))).toEqual([]);
    expect(codesIn(firstCells('Log lines')).sort()).toEqual(logged.sort());
  });

  it('docs/operate.md lists each text of an error that the service throws', () => {
    const thrown = service.flatMap((root) => root.findAll('new Error($$$)').flatMap(firstTextsOf));
    expect(codesIn(firstCells('Errors in log lines'))).toEqual(expect.arrayContaining(thrown));
  });

  it('docs/operate.md lists the reasons of /health, the most severe first', () => {
    expect(codesIn(firstCells('Health'))).toEqual(HEALTH_REASONS);
  });

  it('docs/operate.md has the figures of 100 people from the command that counts them', () => {
    const text = readFileSync(PAGE, 'utf8');
    const figures = [...text.matchAll(/\*\*(\d[\d.,]*(?: [kM])?)\*\*/g)].map(([, figure]) => figure);
    const counted = ['README.md', 'docs/cost.md']
      .flatMap(commandsIn)
      .filter(({ command }) => command.endsWith('cost --people 100 --interval 10'))
      .flatMap(({ output }) => output.flatMap((line) => line.split(/ {2,}/)));
    expect(figures.length).toBeGreaterThan(5);
    expect(counted).toEqual(expect.arrayContaining(figures));
  });
});
