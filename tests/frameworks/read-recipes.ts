import { readFileSync } from 'node:fs';
import { marked } from 'marked';

const DOCUMENT = 'docs/client.md';
const SECTION = 'Recipes';
/** The address of the service in the document. */
const ADDRESS = 'https://presence.example';

/** The recipes of the document by their headings, in its order. The first block of code below a heading is the recipe. */
export function readRecipes(): ReadonlyMap<string, string> {
  const recipes = new Map<string, string>();
  let isSection = false;
  let heading = '';
  for (const token of marked.lexer(readFileSync(DOCUMENT, 'utf8'))) {
    if (token.type === 'heading') {
      heading = String(token['text']);
      if (token['depth'] <= 2) isSection = heading === SECTION;
      else if (isSection) recipes.set(heading, '');
    } else if (token.type === 'code' && recipes.get(heading) === '') recipes.set(heading, token['text']);
  }
  return recipes;
}

/** Returns the recipe with this address of the service. */
export function withService(recipe: string, origin: string): string {
  if (!recipe.includes(ADDRESS)) throw new Error(`The recipe has no address ${ADDRESS}.`);
  return recipe.replaceAll(ADDRESS, origin);
}
