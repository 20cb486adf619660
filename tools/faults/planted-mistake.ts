import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** One mistake in a production module: `right` stands there exactly once, and is replaced by `wrong`. */
export interface Mistake {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

/** Makes esbuild bundle with the mistake. The build fails if there is not just one place for it. */
export function plantedMistake({ name, file, right, wrong }: Mistake): Plugin {
  return {
    name: 'planted-mistake',
    setup({ onLoad, onEnd }) {
      let places = 0;
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!path.endsWith(`/src/${file}`)) return { contents: source, loader: 'ts' };
        places = source.split(right).length - 1;
        return { contents: source.replace(right, wrong), loader: 'ts' };
      });
      onEnd(() => (places === 1 ? {} : { errors: [{ text: `${name}: found ${places} places in ${file}` }] }));
    },
  };
}
