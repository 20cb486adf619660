import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import GithubSlugger from 'github-slugger';
import { lexer, type Token, type Tokens, walkTokens } from 'marked';
import { describe, expect, it } from 'vitest';

const README = 'README.md';
const PAGES = ['*.md', 'docs/*.md', 'src/client/*.md'].flatMap((pattern) => globSync(pattern));
/** Two screens. A longer page needs a list of its sections. */
const LINES_WITHOUT_CONTENTS = 125;

const linksOf = new Map(PAGES.map((page) => [page, relativeLinks(page)]));
const anchorsOf = new Map(PAGES.map((page) => [page, new Set(headingsOf(page).map(({ anchor }) => anchor))]));

describe.each(PAGES)('%s', (page) => {
  it(`each relative link of ${page} names a file, and a heading of it`, () => {
    const broken = (linksOf.get(page) ?? []).filter(({ path, anchor }) => {
      if (!existsSync(path)) return true;
      return anchor !== undefined && anchorsOf.get(path)?.has(anchor) !== true;
    });
    expect(broken).toEqual([]);
  });
});

it.each(PAGES.filter((page) => page.startsWith('docs/')))('README links to %s', (page) => {
  expect(linksOf.get(README)?.map(({ path }) => path)).toContain(page);
});

it.each(PAGES)('%s is short, or lists its sections at the start', (page) => {
  const text = readFileSync(page, 'utf8');
  const lines = text.split('\n');
  if (lines.length <= LINES_WITHOUT_CONTENTS) return;
  const start = text.slice(0, text.indexOf('\n## '));
  const sections = headingsOf(page).filter(({ depth }) => depth === 2);
  expect(sections.filter(({ anchor }) => !start.includes(`](#${anchor})`))).toEqual([]);
});

it('README has fewer than 1,000 words', () => {
  const words = readFileSync(README, 'utf8').split(/\s+/).filter(Boolean);
  expect(words.length).toBeLessThan(1_000);
});

it.each(['package.json', 'src/client/package.json'])(
  'the changelog starts with the version of %s',
  (file) => {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    expect(/^## (\S+)/m.exec(readFileSync('CHANGELOG.md', 'utf8'))?.[1]).toBe(version);
  },
);

interface Link {
  readonly path: string;
  readonly anchor: string | undefined;
}

function tokensOf(page: string): readonly Token[] {
  const tokens: Token[] = [];
  void walkTokens(lexer(readFileSync(page, 'utf8')), (token) => {
    tokens.push(token);
  });
  return tokens;
}

/** The links and pictures of a page that lead to a file of the project or to a heading. */
function relativeLinks(page: string): readonly Link[] {
  return tokensOf(page)
    .filter((token): token is Tokens.Link | Tokens.Image => token.type === 'link' || token.type === 'image')
    .filter(({ href }) => !/^[a-z]+:/.test(href))
    .map(({ href }) => {
      const [path = '', anchor] = href.split('#');
      return { path: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

interface Heading {
  readonly depth: number;
  readonly anchor: string;
}

/** The headings of a page, with the anchors that GitHub gives them. */
function headingsOf(page: string): readonly Heading[] {
  const slugger = new GithubSlugger();
  const headings = tokensOf(page).filter((token): token is Tokens.Heading => token.type === 'heading');
  return headings.map(({ depth, text }) => ({ depth, anchor: slugger.slug(text.replaceAll(/[`*]/g, '')) }));
}
